// What the server is asked and what it answers. Timestamps are milliseconds since the epoch, ages whole
// seconds. The console's own actions are described in docs/admin-api.md, the others are those of SQS.

// --- session -----------------------------------------------------------------------------------

export interface Session {
  CsrfToken: string;
  /** A server without authentication: there is nobody to sign in. */
  Development?: boolean;
  AccessKeyId?: string;
  Arn?: string;
  AccountId: string;
  ReadOnly?: boolean;
  ExpiresAt?: number;
  /** Plain http from another machine. */
  InsecureTransport?: boolean;
  Region: string;
  Version: string;
}

/** The body of the 401 that says that nobody is signed in. */
export interface SignInFacts {
  Region: string;
  InsecureTransport?: boolean;
  Version?: string;
}

// --- queues ------------------------------------------------------------------------------------

export type QueueType = "standard" | "fifo";

export interface QueueSummary {
  QueueUrl: string;
  QueueName: string;
  QueueArn: string;
  Type: QueueType;
  Messages: number;
  InFlight: number;
  Delayed: number;
  OldestAge: number;
  Created: number;
  LastModified: number;
  Encryption: "none" | "SSE-SQS" | "SSE-KMS";
  KmsKeyId?: string;
  DeadLetterTargetArn?: string;
  MaxReceiveCount?: number;
  DeadLetterSourceCount: number;
  /** Messages a second over the last quarter of an hour, oldest first. */
  SentRates?: number[];
  ReceivedRates?: number[];
  LastReceive?: number;
}

export interface ListQueuesDetailedInput {
  NameContains?: string;
  Type?: QueueType;
  HasDeadLetterQueue?: boolean;
  IsDeadLetterQueue?: boolean;
  TagKey?: string;
  TagValue?: string;
  MinimumMessages?: number;
  MinimumAge?: number;
  SortBy?: "name" | "messages" | "inFlight" | "delayed" | "age" | "created";
  Descending?: boolean;
  MaxResults?: number;
  NextToken?: string;
}

export interface ListQueuesDetailedReply {
  Queues: QueueSummary[];
  MatchingCount: number;
  TotalCount: number;
  NextToken?: string;
}

export interface DescribeQueueReply {
  Queue: QueueSummary;
}

export type QueueAttributes = Partial<Record<QueueAttributeName, string>>;

export type QueueAttributeName =
  | "ApproximateNumberOfMessages"
  | "ApproximateNumberOfMessagesDelayed"
  | "ApproximateNumberOfMessagesNotVisible"
  | "ContentBasedDeduplication"
  | "CreatedTimestamp"
  | "DeduplicationScope"
  | "DelaySeconds"
  | "FifoQueue"
  | "FifoThroughputLimit"
  | "KmsDataKeyReusePeriodSeconds"
  | "KmsMasterKeyId"
  | "LastModifiedTimestamp"
  | "MaximumMessageSize"
  | "MessageRetentionPeriod"
  | "Policy"
  | "QueueArn"
  | "ReceiveMessageWaitTimeSeconds"
  | "RedriveAllowPolicy"
  | "RedrivePolicy"
  | "SqsManagedSseEnabled"
  | "VisibilityTimeout";

// --- messages ----------------------------------------------------------------------------------

export type MessageState = "available" | "inFlight" | "delayed";

export interface MessageAttributeValue {
  DataType: string;
  StringValue?: string;
  /** Base64. */
  BinaryValue?: string;
}

export type MessageAttributes = Record<string, MessageAttributeValue>;

export interface PeekedMessage {
  PeekId: string;
  MessageId: string;
  State: MessageState;
  VisibleAt?: number;
  SentTimestamp: number;
  FirstReceiveTimestamp?: number;
  ReceiveCount: number;
  SenderId: string;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
  SequenceNumber?: string;
  AWSTraceHeader?: string;
  DeadLetterQueueSourceArn?: string;
  Body: string;
  BodySize: number;
  BodyTruncated: boolean;
  MD5OfBody: string;
  MD5OfMessageAttributes?: string;
  MessageAttributes?: MessageAttributes;
}

export interface PeekMessagesInput {
  QueueUrl: string;
  States?: MessageState[];
  MaxResults?: number;
  MaxBodyBytes?: number;
  NextToken?: string;
}

export interface PeekMessagesReply {
  Messages: PeekedMessage[];
  NextToken?: string;
  Scanned: number;
}

export interface GetMessageReply {
  Message: PeekedMessage;
}

export interface SearchMessagesInput {
  QueueUrl: string;
  Text?: string;
  MessageId?: string;
  MessageGroupId?: string;
  AttributeName?: string;
  AttributeValue?: string;
  SentAfter?: number;
  SentBefore?: number;
  States?: MessageState[];
  MaxResults?: number;
  MaxBodyBytes?: number;
  NextToken?: string;
}

/** A call has a budget of time and bytes: the queue is searched to its end when NextToken is absent. */
export interface SearchMessagesReply {
  Messages: PeekedMessage[];
  Scanned: number;
  Total: number;
  NextToken?: string;
}

export interface FailedMessage {
  PeekId: string;
  Code: string;
  Message: string;
}

export interface DeleteMessagesReply {
  Deleted: string[];
  Failed: FailedMessage[];
}

export interface MoveMessagesReply {
  Moved: string[];
  Failed: FailedMessage[];
}

export interface MessageGroup {
  MessageGroupId: string;
  Messages?: number;
  InFlight: number;
  Locked: boolean;
  LockedUntil?: number;
  HeadMessageId?: string;
  HeadSentTimestamp?: number;
  Noisy?: boolean;
}

export interface ListMessageGroupsReply {
  Groups: MessageGroup[];
  NextToken?: string;
  /** There may be more groups than can be told. */
  Truncated: boolean;
}

export interface ReceivedMessage {
  MessageId: string;
  ReceiptHandle: string;
  Body: string;
  MD5OfBody: string;
  MD5OfMessageAttributes?: string;
  Attributes?: Record<string, string>;
  MessageAttributes?: MessageAttributes;
}

export interface ReceiveMessageReply {
  Messages?: ReceivedMessage[];
}

export interface SendMessageReply {
  MessageId: string;
  MD5OfMessageBody: string;
  SequenceNumber?: string;
}

// --- consumers, metrics, topology -----------------------------------------------------------------

export interface WaitingConsumer {
  SourceAddress: string;
  PrincipalArn?: string;
  UserAgent?: string;
  Since: number;
  Until: number;
}

export interface RecentConsumer {
  SourceAddress: string;
  PrincipalArn?: string;
  UserAgent?: string;
  LastReceive: number;
  Receives: number;
  Messages: number;
}

export interface ListConsumersReply {
  Waiting: WaitingConsumer[];
  LastReceive?: number;
  RecentConsumers: RecentConsumer[];
}

/** The seconds between two points of a series. */
export type Period = 1 | 60 | 3600;

/** The history of some series. */
export interface Metrics<Name extends string> {
  Period: Period;
  /** Of the first point. */
  Start: number;
  Series: Record<Name, (number | null)[]>;
}

export type QueueSeriesName =
  | "Sent"
  | "Received"
  | "Deleted"
  | "EmptyReceives"
  | "DeadLettered"
  | "SentBytes"
  | "Messages"
  | "InFlight"
  | "Delayed"
  | "OldestAge"
  | "WaitingReceives";

export type GetQueueMetricsReply = Metrics<QueueSeriesName>;

export type ServerSeriesName =
  | "Requests"
  | "Errors"
  | "RequestP50"
  | "RequestP99"
  | "CommitP50"
  | "CommitP99"
  | "Connections"
  | "ResidentBytes"
  | "StoreBytes";

export type GetServerMetricsReply = Metrics<ServerSeriesName>;

export type TaskStatus = "RUNNING" | "COMPLETED" | "CANCELLING" | "CANCELLED" | "FAILED";

export interface TopologyQueue {
  QueueArn: string;
  QueueName: string;
  QueueUrl: string;
  Type: QueueType;
  Messages: number;
  InFlight: number;
  Delayed: number;
  OldestAge: number;
}

export interface TopologyTask {
  TaskHandle?: string;
  SourceArn: string;
  DestinationArn?: string;
  Status: TaskStatus;
  Moved: number;
  ToMove: number;
  Started: number;
  FailureReason?: string;
}

export interface GetTopologyReply {
  Queues: TopologyQueue[];
  Edges: { SourceArn: string; DeadLetterArn: string; MaxReceiveCount: number }[];
  Tasks: TopologyTask[];
  Truncated: boolean;
}

export interface MessageMoveTask {
  TaskHandle?: string;
  Status: TaskStatus;
  SourceArn: string;
  DestinationArn?: string;
  MaxNumberOfMessagesPerSecond?: number;
  ApproximateNumberOfMessagesMoved: number;
  ApproximateNumberOfMessagesToMove?: number;
  FailureReason?: string;
  StartedTimestamp: number;
}

// --- server, policies, keys, sessions ---------------------------------------------------------------

export interface GetServerInformationReply {
  Version: string;
  Started: number;
  Uptime: number;
  Region: string;
  DataDirectory: string;
  StoreBytes: number;
  DiskFreeBytes: number;
  ResidentBytes: number;
  MemoryBudgetBytes: number;
  Shards: number;
  Cores: number;
  Queues: number;
  Connections: number;
  Development: boolean;
  TLS: boolean;
  Encryption: boolean;
  Limits: { Name: string; Value: string | number; Description: string }[];
  Options: { Name: string; Value: string; Source: "default" | "flag" | "environment" | "file"; Description: string }[];
}

export interface TestPolicyInput {
  QueueUrl: string;
  Policy?: string;
  PrincipalArn?: string;
  AccountId?: string;
  Actions?: string[];
  Context?: Record<string, string>;
}

export interface TestPolicyReply {
  Results: {
    Action: string;
    Decision: "allowed" | "explicitDeny" | "implicitDeny";
    Statements: { Source: "queue" | "identity"; Sid?: string; Index: number; Effect: "Allow" | "Deny" }[];
  }[];
}

export interface AccessKey {
  AccessKeyId: string;
  UserName: string;
  AccountId: string;
  Status: "Active" | "Inactive";
  Root: boolean;
}

export interface ListAccessKeysReply {
  Keys: AccessKey[];
  /** Whether keys can be made and changed here: they cannot where they come from the environment. */
  Writable: boolean;
}

export interface CreateAccessKeyReply {
  AccessKeyId: string;
  /** Told this once and never again. */
  SecretAccessKey: string;
}

export interface ConsoleSession {
  /** Names the session for RevokeSession; it is not the cookie. */
  Id: string;
  AccessKeyId: string;
  Arn: string;
  SourceAddress: string;
  Created: number;
  LastUsed: number;
  ReadOnly: boolean;
  Current: boolean;
}

export interface ListSessionsReply {
  Sessions: ConsoleSession[];
}
