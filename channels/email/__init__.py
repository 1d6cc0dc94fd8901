"""E-mail: MJML and Jinja2 wording, SMTP transport."""
