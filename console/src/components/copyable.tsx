// A text with a button that copies it. Browsers offer their clipboard only over https and on the machine
// itself; elsewhere the text stands alone.

import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";

export function Copyable({ text, what }: { text: string; what: string }) {
  if (!("clipboard" in navigator) || navigator.clipboard === undefined) return <span className="wrapped">{text}</span>;
  return (
    <CopyToClipboard
      variant="inline"
      textToCopy={text}
      copyButtonAriaLabel={`Copy ${what}`}
      copySuccessText={`Copied ${what}`}
      copyErrorText={`The browser refused. Select ${what} and copy it with the keyboard.`}
    />
  );
}
