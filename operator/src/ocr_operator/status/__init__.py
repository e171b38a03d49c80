"""PURE: from what runs to what `status` says about it."""
