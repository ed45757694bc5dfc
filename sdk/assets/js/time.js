/** How long ago, in the words that the server uses too. */
function distance(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return "now";
  const words =
    size < 60 ? `${Math.floor(size)} s`
    : size < 3600 ? `${Math.floor(size / 60)} min`
    : size < 172800 ? `${Math.floor(size / 3600)} h`
    : `${Math.floor(size / 86400)} d`;
  return seconds < 0 ? `in ${words}` : `${words} ago`;
}

/** Keeps relative times true. */
function tellTimes(within = document) {
  for (const time of all("time[data-relative]", within)) {
    const words = distance((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
}
