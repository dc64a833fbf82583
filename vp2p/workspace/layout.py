"""What lies where in a workspace: the folders of the stages, and the files of one run's folder.

walk/
  vp2p.yaml             what the user gave to init
  source/ tune/ …       a folder for each stage, in it one for each run
    b75f12146d5b/       a run; an edit's is called by its name
      settings.yaml     which run this is, from its first moment
      log.jsonl         what was measured, step by step
      checkpoint/       where an unfinished run goes on
      manifest.json     every file with its checksum; written last, so it says "finished"
      …                 the artifacts
    .b75f12146d5b.lock  who writes the run, while it is written
    .b75f12146d5b.old   the run, while --force redoes it
  tags/                 names for runs, a file each
"""

from __future__ import annotations

# In the order in which they are made from each other.
STAGES = ("source", "tune", "attention", "mask", "invert", "edit", "full")

SETTINGS = "settings.yaml"
LOG = "log.jsonl"
CHECKPOINT = "checkpoint"
MANIFEST = "manifest.json"
TAGS = "tags"
