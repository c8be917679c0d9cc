"""``ganzoo watch``: runs as a live page in the browser, on this machine only.

:mod:`curves` follows a growing log, :mod:`runs` says where a run stands, :mod:`server` hands both and two pictures to
the page, whose parts (``page.html``, ``page.css``, ``page.js`` and what that imports) lie beside this file. No module
here imports torch.
"""
