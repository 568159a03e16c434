// Names of queues in ARNs: arn:aws:sqs:us-east-1:000000000000:orders.

export function queueNameOfArn(arn: string): string {
  return arn.split(":").at(-1) ?? arn;
}

export function queueNameOfUrl(url: string): string {
  return url.split("/").at(-1) ?? url;
}
