// The names of SQS: accounts, regions, queue names, queue URLs and ARNs.
//
// Each is a value that only parse() (or a function given parsed parts) makes, so that holding one
// is the proof that it is valid. Immutable; any thread.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace {

/// The 12 digits of an AWS account.
class AccountId {
 public:
  /// @return nothing unless `text` is exactly 12 digits.
  static std::optional<AccountId> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const AccountId&, const AccountId&) = default;

 private:
  explicit AccountId(std::string_view text) : text_(text) {}
  std::string text_;
};

/// A region, such as eu-central-1. Any word of lower-case letters, digits and hyphens is one.
class Region {
 public:
  /// @return nothing unless `text` is 1 to 32 of [a-z0-9-].
  static std::optional<Region> parse(std::string_view text);
  const std::string& text() const { return text_; }
  /// The partition that the region belongs to: aws, aws-cn or aws-us-gov.
  std::string_view partition() const;
  friend auto operator<=>(const Region&, const Region&) = default;

 private:
  explicit Region(std::string_view text) : text_(text) {}
  std::string text_;
};

/// A queue's name: 1 to 80 of [A-Za-z0-9_-]; that of a FIFO queue ends in ".fifo" and counts it.
class QueueName {
 public:
  /// @return InvalidParameterValue with SQS's text when `text` is not a queue name.
  static Expected<QueueName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  /// Whether it ends in ".fifo", which only FIFO queues' names do.
  bool is_fifo() const;
  friend auto operator<=>(const QueueName&, const QueueName&) = default;

 private:
  explicit QueueName(std::string_view text) : text_(text) {}
  std::string text_;
};

/// Checks that a queue to be made has the name of its kind: FIFO queues', and no others', end in
/// ".fifo". @return InvalidParameterValue with SQS's text.
Expected<void> check_queue_kind(const QueueName& name, bool fifo);

/// What a QueueUrl parameter or the path of a request says about a queue.
struct QueueUrl {
  QueueName name;
  std::optional<AccountId> account;  // nothing: the caller's
  std::optional<Region> region;      // nothing: the URL does not tell

  /// Reads every form that clients use: `<scheme>://<host>/<account>/<name>`, `/<account>/<name>`,
  /// `/queue/<name>`, `/queue/<region>/<account>/<name>` and the bare name. Scheme, host and port
  /// are ignored, but for a region in `sqs.<region>.` or `<region>.queue.`.
  /// @return QueueDoesNotExist when no queue can have that URL.
  static Expected<QueueUrl> parse(std::string_view text);

  friend bool operator==(const QueueUrl&, const QueueUrl&) = default;
};

/// The URL of a queue. @param base "http://host:port", with or without a slash at its end.
std::string queue_url_text(std::string_view base, const AccountId& account, const QueueName& name);

/// `arn:<partition>:sqs:<region>:<account>:<name>`.
class QueueArn {
 public:
  /// The partition is the region's.
  QueueArn(Region region, AccountId account, QueueName name);
  /// @return nothing unless `text` is an SQS queue's ARN of the partitions aws, aws-cn or
  /// aws-us-gov. What a refusal is called depends on the parameter, so the caller names it.
  static std::optional<QueueArn> parse(std::string_view text);

  const std::string& partition() const { return partition_; }
  const Region& region() const { return region_; }
  const AccountId& account() const { return account_; }
  const QueueName& name() const { return name_; }
  std::string text() const;
  friend auto operator<=>(const QueueArn&, const QueueArn&) = default;

 private:
  std::string partition_;
  Region region_;
  AccountId account_;
  QueueName name_;
};

}  // namespace millrace

template <>
struct std::hash<millrace::AccountId> {
  std::size_t operator()(const millrace::AccountId& account) const noexcept {
    return std::hash<std::string>{}(account.text());
  }
};

template <>
struct std::hash<millrace::QueueName> {
  std::size_t operator()(const millrace::QueueName& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
