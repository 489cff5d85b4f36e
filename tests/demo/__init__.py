"""The main job, as a user sees it; and a day of it, for the dashboard's tests and pictures."""
