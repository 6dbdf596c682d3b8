"""What benches/run.py is made of: the work, the measuring, the bars, and how all is shown."""
