"""The main job, shown: a real 401 storm, without the filter and with it."""
