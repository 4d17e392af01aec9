"""Sphinx's settings for the book. ``build.py`` reads them; so does ``sphinx-build``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
project = "PyTorch model training · PyTorch模型训练实用教程"
html_title = "PyTorch model training"
language = "en"  # build.py --language
locale_dirs = [str(Path(__file__).resolve().with_name("locale"))]  # --translations
gettext_compact = False  # one file a page
gettext_location = False  # a line number is no reason to translate again
extensions = [
    "lessons",  # before sphinx-gallery: it runs what that shows
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
    "extras",
]
include_patterns = ["index.rst", "snippets.rst", "pictures.rst", "cheatsheet.rst"]
source_encoding = "utf-8"
default_role = None

# Formulas: drawn in the browser by one file that stands beside the pages.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}

# Pages open from the disk: nothing is fetched.
html_theme = "pydata_sphinx_theme"
html_show_search_summary = False  # it fetches the pages
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_theme_options = {
    "navigation_with_keys": False,
    "navigation_depth": 4,
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
    "search_as_you_type": False,
}
html_context = {"default_mode": "auto"}

sphinx_gallery_conf = {
    # examples_dirs, gallery_dirs: lessons.arrange
    "filename_pattern": "",  # run them all
    "within_subsection_order": "layout.reading_order",
    "reset_argv": "lessons.as_script",
    "image_scrapers": ["matplotlib", "lessons.animations"],
    "capture_repr": (),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
    "write_computation_times": False,
    "remove_config_comments": True,
    "nested_sections": True,
    "inspect_global_variables": False,  # looking at .grad makes torch warn
    "image_srcset": ["2x"],
}
suppress_warnings = ["config.cache"]  # functions among the settings
