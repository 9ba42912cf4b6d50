"""One module a page: it lays views out."""
