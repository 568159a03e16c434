// Look: one slice of a look at the messages of a queue, which changes none of them: what peek,
// search, and the list of message groups are made of.
//
// A look goes through a queue in the order of sequence numbers. For each slice a background thread
// reads the rows of some blocks, the queue says which of their messages are there and in what state
// (Queue::look_at), and a background thread reads the messages of which that is not enough to know
// whether they are wanted (examine()). What a message holds never changes, so it may be read later
// than its state; and a message that is there all the time has one place in the order, so whoever
// goes on at `next` meets it once.
//
// Handed to and fro: from Shard::look() to a Load and back, so one thread has it at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypt/data_keys.h"
#include "model/fingerprint.h"
#include "model/message.h"
#include "model/message_id.h"
#include "queue/records.h"

namespace millrace {

/// What a message goes through from its sending to its deletion.
enum class MessageState : std::uint8_t { available, in_flight, delayed };

/// What is known of a message group while its first message is looked at.
struct GroupSummary {
  std::optional<std::uint64_t> messages;  // nothing: they have not been counted
  std::uint64_t in_flight = 0;
  bool locked = false;                    // FIFO: a message of it is in flight
  std::optional<Timestamp> locked_until;  // nothing: not locked, or nobody knows
  bool noisy = false;                     // standard: see consumer_shares.h
  /// Its first message, where that is known.
  std::optional<SequenceNumber> head;
};

/// A message as a look finds it. Owns all that it holds.
struct LookedMessage {
  SequenceNumber sequence;
  MessageId peek_id{};  // names its place, and no other message ever
  MessageId id{};       // as receives tell it: a dead letter keeps that of its old queue
  MessageState state = MessageState::available;
  /// When it becomes available: in flight, delayed. Nothing: it is on its way to another shard.
  std::optional<Timestamp> visible_at;
  Timestamp sent_at;
  Timestamp first_received_at;  // zero: it never was
  std::uint32_t receive_count = 0;
  std::string body;           // its beginning
  std::size_t body_size = 0;  // of all of it
  Md5Digest body_md5{};
  std::vector<MessageAttribute> attributes;
  std::string sender_id;
  std::string group_id;
  std::string deduplication_id;
  std::string trace_header;
  std::string dead_letter_source_arn;
  GroupSummary group;                        // LookWanted::group_heads
  std::shared_ptr<const std::string> chunk;  // Look::keep_chunks: its block's; then little else
};

/// Which messages are looked for: those for which all of it holds.
struct LookWanted {
  bool available = true;
  bool in_flight = true;
  bool delayed = true;
  std::string text = {};                            // in the body, byte by byte; empty: any body
  std::optional<MessageId> id = {};                 // as receives tell it
  std::string group_id = {};                        // empty: any, or none
  std::string attribute_name = {};                  // of an attribute that it must have
  std::optional<std::string> attribute_value = {};  // of that attribute; without a name, of any
  std::optional<Timestamp> sent_from = {};
  std::optional<Timestamp> sent_until = {};  // both included
  /// Only the first message of each group that is not in Look::groups_listed, as far as that is
  /// known.
  bool group_heads = false;

  /// Whether a message's rows are enough to know.
  bool any_content() const {
    return text.empty() && !id && attribute_name.empty() && !attribute_value;
  }
};

struct Look {
  // --- what is asked for ---

  QueueId queue;
  LookWanted wanted;
  SequenceNumber from;                // the first message to look at
  std::optional<SequenceNumber> end;  // the first one not to
  std::size_t found_max = 1;          // at least 1
  std::size_t body_bytes_max = 0;     // of each body
  std::size_t found_bytes_max = 0;    // of all that is found; one message is always given
  bool keep_chunks = false;
  std::unordered_set<GroupKey> groups_listed;  // grows as groups are found
  std::size_t groups_max = 0;                  // group_heads: until there are so many

  // --- what was found, added by each slice ---

  std::vector<LookedMessage> found;
  std::uint64_t scanned = 0;  // messages
  /// Where the slice ended: the next one begins here.
  SequenceNumber next;
  bool exhausted = false;         // there was nothing from `next` on
  std::size_t found_bytes = 0;    // of bodies and attributes
  std::size_t bytes_read = 0;     // of chunks from disk
  std::uint64_t total = 0;        // messages in the queue
  std::optional<ApiError> error;  // a message cannot be opened for want of its key
  struct GroupCounts {
    std::uint64_t messages = 0;
    std::uint64_t in_flight = 0;
  };
  std::unordered_map<GroupKey, GroupCounts> groups;  // group_heads: of what was scanned

  // --- between the threads ---

  enum class Stage : std::uint8_t { asked, rows, done };
  // A block with messages that may be wanted.
  struct Candidate {
    struct Slot {
      unsigned number = 0;
      MessageState state = MessageState::available;
      std::optional<Timestamp> visible_at;
      Timestamp first_received_at;
      std::uint32_t receive_count = 0;
      GroupSummary group;
    };
    BlockNumber block = 0;
    PayloadPlace place;
    std::shared_ptr<const std::string> chunk;  // null: it is on disk only
    std::vector<Slot> slots;
  };
  Stage stage = Stage::asked;
  BlockNumber ticket = 0;  // what its caller waits for, as a block that no queue has
  std::vector<Candidate> candidates;
  GroupKey group;       // of wanted.group_id
  Timestamp kept_from;  // what was sent before is too old, though it may not be swept yet
  Timestamp now;
  const MessageIdCipher* ids = nullptr;         // outlives the shard
  const Fingerprinter* fingerprints = nullptr;  // likewise
  std::shared_ptr<DataKeys> keys;               // of this look alone
};

/// Whether no slice need follow: all that was asked for was found, or looked through, or so much
/// was read that it is time to tell of it.
bool has_enough(const Look& look);

/// Makes ready for the slice behind the one that is done.
void go_on(Look& look);

/// Looks at the messages of a candidate, whose chunk is at hand, and adds those that are wanted to
/// `look.found`. @return the first slot that it did not look at for want of room, or nothing.
std::optional<unsigned> examine(Look& look, const Look::Candidate& candidate,
                                const std::shared_ptr<const std::string>& chunk);

}  // namespace millrace
