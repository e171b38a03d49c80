"""The page for people: HTML, CSS and JavaScript modules as they are served, without a build step."""
