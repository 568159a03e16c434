// Hands a file to the browser to save.

/** Saved as bytes, whatever they are, so that no browser opens what a message holds. */
export function download(name: string, content: string | Uint8Array<ArrayBuffer>) {
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the content when click() returns to the event loop.
  setTimeout(() => URL.revokeObjectURL(url));
}
