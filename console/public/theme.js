// Sets theme and density before the first paint, so that a dark console never flashes white. A file of
// its own and not a part of the program: that one is loaded after the page is drawn.
(function () {
  var settings = {};
  try {
    settings = JSON.parse(localStorage.getItem("millrace.settings") || "{}");
  } catch {
    // Storage is switched off or holds something else: the defaults are good.
  }
  var dark =
    settings.theme === "dark" || (settings.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.body.classList.toggle("awsui-dark-mode", dark);
  document.body.classList.toggle("awsui-compact-mode", settings.density !== "comfortable");
})();
