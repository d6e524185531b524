"""What `python -m job` runs: the same as `python job/main.py`."""

from job.main import main

if __name__ == "__main__":
    main()
