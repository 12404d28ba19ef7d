"""The technologies behind the domain's ports."""
