// Signs a request with AWS Signature Version 4, as every SQS client does. The console signs one request
// only, that which opens a session: so the secret never crosses the wire.

import { hex, hmacSha256, sha256, utf8 } from "./sha256";

export interface SignedRequest {
  method: string;
  url: URL;
  /** Without Host, which is the URL's. */
  headers: Record<string, string>;
  body: string;
}

export interface Signer {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service: string;
  date: Date;
}

/** Percent-encodes all but the characters that RFC 3986 leaves unreserved. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function canonicalQuery(query: URLSearchParams): string {
  return Array.from(query, ([name, value]) => [encode(name), encode(value)] as const)
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** The headers to send: those given, with X-Amz-Date and Authorization. */
export function sign({ method, url, headers, body }: SignedRequest, signer: Signer): Record<string, string> {
  const time = `${signer.date.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const scope = `${time.slice(0, 8)}/${signer.region}/${signer.service}/aws4_request`;
  const sent = { ...headers, "X-Amz-Date": time };

  const signed = Object.entries({ ...sent, Host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/\s+/g, " ")] as const)
    .sort(([name], [other]) => compare(name, other));
  const signedNames = signed.map(([name]) => name).join(";");
  const canonicalRequest = [
    method,
    url.pathname.split("/").map(encode).join("/"),
    canonicalQuery(url.searchParams),
    ...signed.map(([name, value]) => `${name}:${value}`),
    "",
    signedNames,
    hex(sha256(utf8(body))),
  ].join("\n");

  const textToSign = ["AWS4-HMAC-SHA256", time, scope, hex(sha256(utf8(canonicalRequest)))].join("\n");
  const key = scope
    .split("/")
    .reduce((parent, part) => hmacSha256(parent, utf8(part)), utf8(`AWS4${signer.secretAccessKey}`));
  const signature = hex(hmacSha256(key, utf8(textToSign)));
  return {
    ...sent,
    Authorization:
      `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, ` +
      `SignedHeaders=${signedNames}, Signature=${signature}`,
  };
}
