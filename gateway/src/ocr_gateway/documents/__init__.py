"""From a request's body to the pages that are sent to the model servers."""
