// The lines below a found page come from its article, not from the buttons above it, and are left out
// where the site is read from a disk, since a browser opens no second page there. Sphinx's Japanese
// catalogue has no sentence for how many pages were found.
(function () {
  if (typeof Search === "undefined") return;
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  const textOf = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".bd-header-article, .onlyprint").forEach((part) => part.remove());
    return textOf(page.documentElement.outerHTML, anchor);
  };
  if (document.documentElement.lang === "ja")
    Documentation.TRANSLATIONS["Search finished, found one page matching the search query."] =
      ["${resultCount}ページが見つかりました。"];
})();
