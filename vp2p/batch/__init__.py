"""Many videos x settings x edits from one plan, on the processes of one machine or on a Ray cluster."""
