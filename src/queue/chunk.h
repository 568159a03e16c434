// Chunks: how a block's messages lie in the log, each sealed by itself (docs/storage-format.md).
//
// Of a message that is sealed, only what the queue must know without its key is clear. A chunk
// holds the data keys of its messages, wrapped, so it needs nothing else to be opened. A sealed
// message is bound to the place where it was stored first, its origin queue and sequence number. A
// move copies it unchanged, needs no key, and adds what the new queue must know. That and the new
// place are under a keyed hash of the installation, the place seal; so is that a message is not
// sealed. So no sealed message can be put in the place of another on disk, within a queue or
// between two, nor can one that is not sealed.
//
// Pure functions over bytes; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypt/data_keys.h"
#include "model/fingerprint.h"
#include "model/message.h"
#include "model/message_id.h"

namespace millrace {

/// Where a message was before a dead-letter move brought it. What a move task brings has none.
struct MessageOrigin {
  MessageId id{};
  std::string_view source_arn;
  std::uint32_t receive_count = 0;
  Timestamp first_received_at;
};

/// A message as it lies in a chunk: what is known of it without its key, as views into the chunk.
struct MessageRecord {
  Timestamp sent_at;
  GroupKey group;  // GroupKey{}: none
  std::optional<MessageOrigin> origin;
  std::optional<MessageId> deduplication_id;  // its text takes the place of the message's own
  std::optional<MessagePlace> first_place;    // of a moved one: where it was stored first
  std::string_view content;                   // the rest of the message, sealed or not
  std::string_view wrapped_key;               // empty: the content is not sealed
  std::uint64_t nonce = 0;                    // its number under that key
  std::string_view place_seal;  // see is_genuine(); empty: the content's seal is enough
  std::string_view clear_part;  // what stands before it
};

/// Builds a block's chunk, message by message.
class ChunkBuilder {
 public:
  /// @param message its body_md5, where it has one, is set by finish(). @param place where it will
  /// be stored. @param key null: its content is not sealed.
  void add(const NewMessage& message, Timestamp sent_at, GroupKey group, const MessagePlace& place,
           const std::shared_ptr<SealingKey>& key, const Fingerprinter& fingerprints);
  /// Adds a message that another queue held, in the form in which that stored it. @param message
  /// with first_place and all that the new queue is to know. @param place where it will be stored,
  /// or, on its way to another shard, that which it comes from.
  void add_moved(const MessageRecord& message, const MessagePlace& place,
                 const Fingerprinter& fingerprints);

  unsigned count() const { return static_cast<unsigned>(offsets_.size()); }
  std::size_t bytes() const;
  /// Digests and seals what was added, many messages at once. @return the finished chunk, which has
  /// next to no unused capacity. The builder is empty afterwards, and has its memory for the next.
  std::string finish();

 private:
  // A message whose content is neither digested nor sealed yet.
  struct Unsealed {
    MessagePlace place;
    std::shared_ptr<SealingKey> key;  // null: it stays unsealed
    std::uint64_t number = 0;         // under that key
    std::size_t content = 0;          // where that begins
    std::size_t body = 0;             // and the body
    std::size_t end = 0;              // behind the body; the tag follows
    Md5Digest* digest = nullptr;      // where the sender wants it
  };
  void digest_and_seal();
  void begin_record(std::uint8_t flags, Timestamp sent_at, GroupKey group);
  std::uint8_t key_number(std::string_view wrapped_key);

  std::string bytes_;
  std::vector<std::uint32_t> offsets_;
  std::vector<Unsealed> unsealed_;
  std::vector<std::string> keys_;  // wrapped
  std::size_t key_bytes_ = 0;
};

/// Message number `slot` of `chunk`; nothing if the bytes are not a chunk that holds it.
std::optional<MessageRecord> parse_chunk_message(std::string_view chunk, unsigned slot);

/// Whether this installation has put the message at `place`, as far as its place seal says so: one
/// that was sealed and not moved has none, since its own seal says where it was stored.
bool is_genuine(const MessageRecord& message, const MessagePlace& place,
                const Fingerprinter& fingerprints);

/// A message whose content can be read.
struct OpenedMessage {
  StoredMessage message;
  std::shared_ptr<const void> storage;  // what the views of `message` point into
};

/// Opens the content of `message`, which lies at `place` in `chunk`. @return the errors of
/// DataKeys::opening(), or InternalFailure: it is not what was stored there.
Expected<OpenedMessage> open_message(const MessageRecord& message, const MessagePlace& place,
                                     const std::shared_ptr<const std::string>& chunk,
                                     DataKeys& keys, Timestamp now);

/// What is said of a message that is not what was stored.
ApiError damaged_message();

}  // namespace millrace
