// The real server, started for a test on a free port of this machine with a data directory of its own.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const dist = join(import.meta.dirname, "../../dist");

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface ServerOptions {
  /** The key of the account itself; without, the server is in development mode. */
  root?: Credentials;
  /** Gives the server a file of credentials, which the console may write. */
  credentialsFile?: boolean;
}

export class Server {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly directory: string,
  ) {}

  static async start({ root, credentialsFile }: ServerOptions = {}): Promise<Server> {
    const binary = process.env.MILLRACE_BINARY;
    if (binary === undefined) throw new Error("Set MILLRACE_BINARY to the path of the server that is to be tested.");
    const directory = await mkdtemp(join(tmpdir(), "millrace-console-"));
    const environment = { ...process.env };
    if (root) {
      environment.MILLRACE_ROOT_ACCESS_KEY_ID = root.accessKeyId;
      environment.MILLRACE_ROOT_SECRET_ACCESS_KEY = root.secretAccessKey;
    }
    const options = ["--listen", "127.0.0.1:0", "--data", directory, "--console-directory", dist];
    if (credentialsFile) {
      const file = join(directory, "credentials.toml");
      await promisify(execFile)(binary, ["keys", "create", "--credentials", file, "--user", "ada"]);
      options.push("--credentials", file);
    }
    const child = spawn(binary, ["serve", ...options, "--relax-purge-interval", "--relax-name-reuse"], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      const read = (chunk: Buffer) => {
        said += chunk.toString();
        const found = /serves (http:\/\/\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`The server ended with ${code}: ${said}`)));
    });
    return new Server(url, child, directory);
  }

  /** An ordinary action of SQS, as a program calls it. Only for a server in development mode. */
  async sqs<Reply = Record<string, unknown>>(action: string, input: object): Promise<Reply> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": `AmazonSQS.${action}` },
      body: JSON.stringify(input),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as Reply;
  }

  /** Creates a queue and answers its URL. */
  async createQueue(name: string, attributes: Record<string, string> = {}): Promise<string> {
    return (await this.sqs<{ QueueUrl: string }>("CreateQueue", { QueueName: name, Attributes: attributes })).QueueUrl;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}
