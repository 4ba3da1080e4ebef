"""The report: one page of a run, from its store alone.

A section is a function from the run to data (`sections.SECTIONS`), a template part of its name (`templates/`) and its
fixed words (`words/`, one file a language).
"""
