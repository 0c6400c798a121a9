"""The dashboard: pages for a browser, each of which answers one question about the loop.

They only read. `site` has the routes and what every page shares; each page's module makes the
values that its template shows. Everything a page loads is in `static/`: no other host is asked.
"""
