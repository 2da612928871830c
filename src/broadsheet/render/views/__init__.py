"""Pages beside the edition as immutable values, ready for the templates of the site and of the web server.

All text of papers passes `readable` or `visible` here; templates escape it.
"""
