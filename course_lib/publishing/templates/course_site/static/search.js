// The lines below a found page come from its article, not from the buttons above it; and Sphinx's
// Japanese catalogue has no sentence for how many pages were found.
(function () {
  if (typeof Search === "undefined") return;
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
