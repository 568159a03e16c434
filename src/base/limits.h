// Every bound of Millrace: those of SQS (Developer Guide, "Amazon SQS quotas") and our own.
//
// Units are in the names. Relations that other code relies on are asserted at the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace millrace::limits {

// --- SQS: queues -------------------------------------------------------------------------------

inline constexpr std::size_t kQueueNameMax = 80;  // characters, the suffix .fifo included
inline constexpr std::size_t kAccountIdDigits = 12;
inline constexpr std::size_t kRegionMax = 32;

inline constexpr std::int64_t kDelaySecondsMax = 900;
inline constexpr std::int64_t kVisibilitySecondsMax = 43'200;
inline constexpr std::int64_t kVisibilitySecondsDefault = 30;
inline constexpr std::int64_t kRetentionSecondsMin = 60;
inline constexpr std::int64_t kRetentionSecondsMax = 1'209'600;
inline constexpr std::int64_t kRetentionSecondsDefault = 345'600;
inline constexpr std::int64_t kWaitSecondsMax = 20;
inline constexpr std::int64_t kKmsReuseSecondsMin = 60;
inline constexpr std::int64_t kKmsReuseSecondsMax = 86'400;
inline constexpr std::int64_t kKmsReuseSecondsDefault = 300;
inline constexpr std::size_t kKmsKeyNameMax = 2'048;  // bytes: an ARN of a key or an alias

inline constexpr std::int64_t kReceiveCountMax = 1'000;  // maxReceiveCount of a RedrivePolicy
inline constexpr std::size_t kRedriveAllowSourcesMax = 10;

inline constexpr std::size_t kPolicyBytesMax = 8'192;
inline constexpr std::size_t kPolicyStatementsMax = 20;
inline constexpr std::size_t kPolicyPrincipalsMax = 50;
inline constexpr std::size_t kPolicyConditionsMax = 10;
inline constexpr std::size_t kPolicyActionsMax = 7;
inline constexpr std::size_t kPermissionLabelMax = 80;

inline constexpr std::size_t kTagsMax = 50;
inline constexpr std::size_t kTagKeyMax = 128;    // characters
inline constexpr std::size_t kTagValueMax = 256;  // characters

inline constexpr std::int64_t kListResultsMax = 1'000;
inline constexpr Milliseconds kPurgeInterval = seconds(60);
inline constexpr Milliseconds kNameReuseInterval = seconds(60);

// --- SQS: messages -----------------------------------------------------------------------------

inline constexpr std::int64_t kMessageBytesMax = 1'048'576;  // highest MaximumMessageSize
inline constexpr std::int64_t kMessageBytesMaxMin = 1'024;   // lowest MaximumMessageSize
inline constexpr std::size_t kBatchBytesMax = 1'048'576;
inline constexpr std::size_t kBatchEntriesMax = 10;
inline constexpr std::size_t kBatchIdMax = 80;
inline constexpr std::int64_t kReceiveMessagesMax = 10;

inline constexpr std::size_t kMessageAttributesMax = 10;
inline constexpr std::size_t kAttributeNameMax = 256;  // characters
inline constexpr std::size_t kAttributeTypeMax = 256;  // bytes
inline constexpr std::size_t kNumberDigitsMax = 38;    // significant digits of a Number attribute
inline constexpr std::int64_t kNumberExponentMin = -128;
inline constexpr std::int64_t kNumberExponentMax = 126;

inline constexpr std::size_t kGroupIdMax = 128;
inline constexpr std::size_t kDeduplicationIdMax = 128;
inline constexpr std::size_t kReceiptHandleMax = 1'024;

inline constexpr std::size_t kInFlightMax = 120'000;  // per queue
inline constexpr Milliseconds kDeduplicationWindow = seconds(300);
inline constexpr Milliseconds kReceiveAttemptWindow = seconds(300);

// --- SQS: message move tasks -------------------------------------------------------------------

inline constexpr std::int64_t kMoveRateMax = 500;  // messages per second
inline constexpr std::int64_t kMoveTasksListed = 10;
inline constexpr std::size_t kMoveTasksActiveMax = 100;  // per account
inline constexpr Milliseconds kMoveTaskRunMax = seconds(36 * 3600);

// --- SQS: requests -----------------------------------------------------------------------------

inline constexpr Milliseconds kSignatureSkewMax = seconds(900);
inline constexpr std::int64_t kPresignedSecondsMax = 604'800;

// --- ours: identifiers -------------------------------------------------------------------------

// A MessageId is a permutation of (queue, sequence) in the 122 free bits of a UUID: 61 bits each.
inline constexpr unsigned kMessageIdHalfBits = 61;
inline constexpr unsigned kQueueIdShardShift = 48;  // a QueueId's shard stands above these bits
inline constexpr std::uint64_t kShardsMax = 4'096;

// --- ours: queues ------------------------------------------------------------------------------

inline constexpr std::size_t kNoisyGroupsMax = 100;  // of a queue, at once

// --- ours: metrics ----------------------------------------------------------------------------

// Points of a second, a minute and an hour that the history of all queues keeps together.
inline constexpr std::array<std::size_t, 3> kHistoryPointsMax = {240'000, 140'000, 80'000};
inline constexpr std::size_t kHistoryBytesMax = std::size_t{64} << 20;  // with 10,000 queues

// --- ours: what the console asks ---------------------------------------------------------------

inline constexpr std::int64_t kPeekResultsMax = 100;
inline constexpr std::int64_t kPeekResultsDefault = 25;
inline constexpr std::int64_t kPeekBodyBytesDefault = 4'096;
inline constexpr std::size_t kPeekReplyBytesMax = std::size_t{4} << 20;  // besides one message
inline constexpr std::size_t kPeekIdsMax = 100;
inline constexpr std::size_t kLocalStackMessagesMax = 1'000;
// One request reads the messages of a queue for no longer, then it answers and tells where it was.
inline constexpr Milliseconds kLookTimeMax = 500;
inline constexpr std::size_t kLookBytesMax = std::size_t{256} << 20;
inline constexpr std::size_t kSearchTextMax = 1'024;  // bytes
inline constexpr std::int64_t kDetailedQueuesMax = 100;
inline constexpr std::int64_t kDetailedQueuesDefault = 50;
inline constexpr std::size_t kTopologyQueuesMax = 500;
inline constexpr std::size_t kWaitingReceivesListed = 1'000;
inline constexpr std::size_t kRecentConsumersMax = 64;  // of a queue
inline constexpr std::size_t kConsumerTextMax = 256;    // bytes of what one says of itself
inline constexpr std::size_t kListedGroupsMax = 4'096;  // that a token remembers

// --- ours: HTTP --------------------------------------------------------------------------------

inline constexpr std::size_t kRequestBodyMax = 4 * 1024 * 1024;  // bytes; a form may triple a body

// --- ours: limits of clients -------------------------------------------------------------------

inline constexpr std::size_t kRateBucketsMax = 65'536;  // clients, or accounts, that are remembered

// --- ours: the management console ---------------------------------------------------------------

inline constexpr Milliseconds kNonceAgeMax = seconds(60);
inline constexpr std::size_t kNoncesUsedMax = 4'096;  // remembered at once: sign-ins in a minute
inline constexpr Milliseconds kSessionIdleMax = seconds(30 * 60);
inline constexpr Milliseconds kSessionAgeMax = seconds(12 * 3600);
inline constexpr std::size_t kSessionsPerKeyMax = 16;
inline constexpr std::size_t kSessionsMax = 1'024;
inline constexpr std::int64_t kSignInsPerSecond = 1;  // of one client, and with one access key
inline constexpr std::int64_t kSignInBurst = 10;      // after a rest

// --- what the rest relies on -------------------------------------------------------------------

static_assert(kMessageBytesMax <= static_cast<std::int64_t>(kBatchBytesMax),
              "the largest message fits in a batch");
static_assert(kRequestBodyMax > 3 * kBatchBytesMax,
              "a full batch fits in a request even when every byte is percent-encoded");
static_assert(kDelaySecondsMax < kRetentionSecondsMax && kWaitSecondsMax < kVisibilitySecondsMax);
static_assert(kMessageBytesMaxMin < kMessageBytesMax &&
              kRetentionSecondsMin < kRetentionSecondsMax);
static_assert(kShardsMax << kQueueIdShardShift <= std::uint64_t{1} << kMessageIdHalfBits,
              "every QueueId fits in its half of a MessageId");
static_assert(kReceiveMessagesMax == static_cast<std::int64_t>(kBatchEntriesMax));

}  // namespace millrace::limits
