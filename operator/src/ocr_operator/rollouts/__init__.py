"""PURE: the next step of a new revision of the model servers, by what runs and what gateways measure."""
