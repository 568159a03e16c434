// SqsRequests: whole HTTP requests of the SQS actions that the load uses, in either protocol,
// signed or not. SqsReplies below: what is looked for in the answers.
//
// Requests are put together by appending to one buffer; nothing is parsed on the way back either,
// the few values needed are found by their names. Both sides rely on bodies that need no escapes
// (bodies.h). One thread each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bodies.h"
#include "bench/sigv4_signer.h"
#include "bench/tenants.h"

namespace millrace::bench {

enum class SqsProtocol { json, query };

class SqsRequests {
 public:
  /// @param host the Host field's value
  /// @param credentials sign each request with them; nothing: requests are not signed
  /// @param groups over which the messages of FIFO queues are dealt in turn; 0: standard queues
  /// @param tenants whose MessageGroupId messages of standard queues have
  SqsRequests(SqsProtocol protocol, std::string host, std::optional<Credentials> credentials,
              std::uint64_t groups = 0, const Tenants& tenants = {});

  // Each function appends one request to `out`. `queue_url` and receipt handles are as they stood
  // in a reply of the same protocol.

  /// @param encrypted false: with SqsManagedSseEnabled false.
  void create_queue(std::string& out, std::string_view name, bool encrypted = true);
  void delete_queue(std::string& out, std::string_view queue_url);
  /// SendMessage for one number, SendMessageBatch (Ids 0, 1, ...) for more.
  void send(std::string& out, std::string_view queue_url, const Bodies& bodies,
            std::uint64_t first_number, std::size_t count);
  /// @param count_max 1 to 10
  /// @param wait_seconds 0 to 20
  void receive(std::string& out, std::string_view queue_url, std::size_t count_max,
               unsigned wait_seconds);
  /// DeleteMessage for one handle, DeleteMessageBatch for more.
  void remove(std::string& out, std::string_view queue_url,
              const std::vector<std::string>& receipt_handles);

 private:
  bool json() const { return protocol_ == SqsProtocol::json; }
  // Starts body_ with what every request to a queue has.
  void begin(std::string_view action, std::string_view queue_url);
  // Adds a member whose value has no characters to escape in either protocol.
  void add_number(std::string_view name, std::uint64_t value);
  // Adds what a message of a FIFO queue has beside its body. In a form, each name is put behind
  // `prefix`.
  void add_place(std::string_view prefix, std::uint64_t number);
  void finish(std::string& out, std::string_view action);

  SqsProtocol protocol_;
  std::string host_;
  std::optional<Signer> signer_;
  std::uint64_t groups_;
  Tenants tenants_;
  std::string body_;    // kept for its memory
  std::string target_;  // the same
  std::time_t date_of_ = 0;
  std::string date_;
};

/// The values of all members called `name` in a reply, in order: JSON strings ("Name":"value") or
/// XML elements (<Name>value</Name>), as they stand there. `values` is cleared first.
void find_values(SqsProtocol protocol, std::string_view reply, std::string_view name,
                 std::vector<std::string_view>& values);

/// Whether the reply to a batch tells of an entry that failed.
inline bool has_failed_entry(std::string_view reply) {
  return reply.find("SenderFault") != std::string_view::npos;
}

}  // namespace millrace::bench
