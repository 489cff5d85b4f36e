"""The small applications of docs/examples, started as their pages say."""
