"""The models that can be served: a catalogue, the files on disk, and how they get there."""
