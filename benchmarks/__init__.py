"""The same work under our strategies and their peers; `make bench` and `make bench-quick`."""
