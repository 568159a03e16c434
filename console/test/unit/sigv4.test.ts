// Signing in: the hash against Node's, the signature against AWS's own vector and library.

import { createHash, createHmac, randomBytes, randomInt } from "node:crypto";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";
import { hex, hmacSha256, sha256, utf8 } from "../../src/lib/sha256";
import { sign } from "../../src/lib/sigv4";

describe("SHA-256", () => {
  it("is that of FIPS 180-4", () => {
    expect(hex(sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("equals Node's for every length around the blocks' ends", () => {
    for (let length = 0; length < 200; ++length) {
      const message = randomBytes(length);
      expect(hex(sha256(message))).toBe(createHash("sha256").update(message).digest("hex"));
    }
  });

  it("makes the HMAC of short and of long keys", () => {
    for (const length of [0, 1, 63, 64, 65, 200]) {
      const key = randomBytes(length);
      const message = randomBytes(100);
      expect(hex(hmacSha256(key, message))).toBe(createHmac("sha256", key).update(message).digest("hex"));
    }
  });
});

describe("Signature Version 4", () => {
  it("is that of AWS's test suite (get-vanilla-query-order-key-case)", () => {
    const headers = sign(
      {
        method: "GET",
        url: new URL("https://example.amazonaws.com/?Param2=value2&Param1=value1"),
        headers: {},
        body: "",
      },
      {
        accessKeyId: "AKIDEXAMPLE",
        secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "service",
        date: new Date("2015-08-30T12:36:00Z"),
      },
    );
    expect(headers.Authorization).toBe(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
        "Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
  });

  it("equals that of AWS's library for any request", async () => {
    for (let round = 0; round < 50; ++round) {
      const date = new Date(Date.UTC(2026, randomInt(12), 1 + randomInt(28), randomInt(24), randomInt(60)));
      const credentials = { accessKeyId: `AK${randomInt(1e9)}`, secretAccessKey: randomBytes(30).toString("base64") };
      const region = ["us-east-1", "eu-central-2"][randomInt(2)] ?? "";
      const body = JSON.stringify({ Nonce: randomBytes(12).toString("base64"), Text: "grüße 🚀" });
      const url = new URL(
        `http://host${randomInt(9)}:${1024 + randomInt(9000)}/prefix ${randomInt(9)}/console/api/session`,
      );
      const headers = { "Content-Type": "application/x-amz-json-1.0", "X-Thing": `  a   b ${randomInt(9)} ` };

      const oracle = new SignatureV4({ credentials, region, service: "sqs", sha256: Sha256, applyChecksum: false });
      const expected = await oracle.sign(
        {
          method: "POST",
          protocol: url.protocol,
          hostname: url.hostname,
          port: Number(url.port),
          path: url.pathname,
          headers: { ...headers, Host: url.host },
          body,
        },
        { signingDate: date },
      );
      const actual = sign({ method: "POST", url, headers, body }, { ...credentials, region, service: "sqs", date });
      expect(actual.Authorization).toBe(expected.headers.authorization);
    }
  });
});
