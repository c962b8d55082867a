"""Systems whose law is known, and how well a found law retells them."""
