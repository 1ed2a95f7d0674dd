"""Reports: the course of training runs, from their logs, as a page and as curves in text."""
