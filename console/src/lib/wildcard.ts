// Whether a text matches a pattern with * (any characters) and ? (one), in any case, as policies have them.

/** Takes no more steps than the product of the lengths; a regular expression may take for ever. */
export function matchesWildcards(pattern: string, text: string): boolean {
  const wanted = pattern.toLowerCase();
  const given = text.toLowerCase();
  let at = 0;
  let star = -1; // the last * seen, and up to where of the text it reaches
  let reach = 0;
  for (let i = 0; i < given.length;) {
    if (wanted[at] === "*") {
      star = at++;
      reach = i;
    } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[i])) {
      ++at;
      ++i;
    } else if (star >= 0) {
      at = star + 1;
      i = ++reach;
    } else {
      return false;
    }
  }
  return /^\**$/.test(wanted.slice(at));
}
