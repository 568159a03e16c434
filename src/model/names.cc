#include "model/names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/limits.h"

namespace millrace {

namespace {

constexpr std::string_view kFifoSuffix = ".fifo";
constexpr std::string_view kBadName =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
constexpr std::string_view kBadFifoName =
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_name_character(char c) {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// Takes the part of `rest` before its first separator off it, and the separator; nothing is left
// behind the last part. `rest` must hold something to take.
std::string_view take_first(std::optional<std::string_view>& rest, char separator) {
  const std::string_view all = *rest;
  const std::size_t end = all.find(separator);
  if (end == std::string_view::npos) {
    rest.reset();
  } else {
    rest = all.substr(end + 1);
  }
  return all.substr(0, end);
}

// The same from the end; nothing where nothing is left.
std::optional<std::string_view> take_last(std::optional<std::string_view>& rest, char separator) {
  if (!rest) return std::nullopt;
  const std::string_view all = *rest;
  const std::size_t before = all.rfind(separator);
  if (before == std::string_view::npos) {
    rest.reset();
    return all;
  }
  rest = all.substr(0, before);
  return all.substr(before + 1);
}

// The region in a host of AWS's form. A host may have any name, so what stands in the region's
// place must look like one: "sqs.localhost" has none.
std::optional<Region> region_of_host(std::string_view host) {
  std::optional<std::string_view> labels = host.substr(0, host.find(':'));
  const std::string_view first = take_first(labels, '.');
  if (!labels) return std::nullopt;
  const std::string_view second = take_first(labels, '.');
  if (!labels) return std::nullopt;
  std::string_view word;
  if (first == "sqs" || first == "sqs-fips") word = second;
  if (second == "queue") word = first;
  if (word.find('-') == std::string_view::npos || !is_digit(word.back())) return std::nullopt;
  return Region::parse(word);
}

}  // namespace

std::optional<AccountId> AccountId::parse(std::string_view text) {
  if (text.size() != limits::kAccountIdDigits || !std::ranges::all_of(text, is_digit)) {
    return std::nullopt;
  }
  return AccountId(text);
}

std::optional<Region> Region::parse(std::string_view text) {
  const auto allowed = [](char c) { return is_digit(c) || is_lower(c) || c == '-'; };
  if (text.empty() || text.size() > limits::kRegionMax || !std::ranges::all_of(text, allowed)) {
    return std::nullopt;
  }
  return Region(text);
}

std::string_view Region::partition() const {
  if (text_.starts_with("cn-")) return "aws-cn";
  if (text_.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

Expected<QueueName> QueueName::parse(std::string_view text) {
  if (text.empty()) {
    return ApiError(ErrorCode::invalid_parameter_value, "Queue name cannot be empty");
  }
  std::string_view stem = text;
  const bool fifo = text.ends_with(kFifoSuffix);
  if (fifo) stem.remove_suffix(kFifoSuffix.size());
  if (stem.empty() || text.size() > limits::kQueueNameMax ||
      !std::ranges::all_of(stem, is_name_character)) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    std::string(fifo ? kBadFifoName : kBadName));
  }
  return QueueName(text);
}

bool QueueName::is_fifo() const {
  return text_.ends_with(kFifoSuffix);
}

Expected<void> check_queue_kind(const QueueName& name, bool fifo) {
  if (name.is_fifo() == fifo) return {};
  return ApiError(ErrorCode::invalid_parameter_value, std::string(fifo ? kBadFifoName : kBadName));
}

// On the path of every request: nothing is allocated but a long name.
Expected<QueueUrl> QueueUrl::parse(std::string_view text) {
  const auto unknown = [] { return ApiError(ErrorCode::queue_does_not_exist); };
  std::optional<Region> region;
  std::string_view path = text;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    const std::string_view rest = text.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return unknown();
    region = region_of_host(rest.substr(0, slash));
    path = rest.substr(slash);
  }
  if (path.starts_with('/')) path.remove_prefix(1);

  std::optional<std::string_view> segments = path;
  Expected<QueueName> name = QueueName::parse(*take_last(segments, '/'));
  if (!name) return unknown();
  const std::optional<std::string_view> before = take_last(segments, '/');
  if (!before || (!segments && *before == "queue")) {
    return QueueUrl{std::move(*name), std::nullopt, std::move(region)};
  }
  std::optional<AccountId> account = AccountId::parse(*before);
  if (!account) return unknown();
  const std::optional<std::string_view> region_text = take_last(segments, '/');
  if (take_last(segments, '/') == "queue") {
    region = Region::parse(*region_text);
    if (!region) return unknown();
  }
  return QueueUrl{std::move(*name), std::move(account), std::move(region)};
}

std::string queue_url_text(std::string_view base, const AccountId& account, const QueueName& name) {
  if (base.ends_with('/')) base.remove_suffix(1);
  std::string url;
  url.reserve(base.size() + account.text().size() + name.text().size() + 2);
  url.append(base).append("/").append(account.text()).append("/").append(name.text());
  return url;
}

QueueArn::QueueArn(Region region, AccountId account, QueueName name)
    : partition_(region.partition()),
      region_(std::move(region)),
      account_(std::move(account)),
      name_(std::move(name)) {}

std::optional<QueueArn> QueueArn::parse(std::string_view text) {
  std::array<std::string_view, 6> parts;
  std::optional<std::string_view> rest = text;
  for (std::string_view& part : parts) {
    if (!rest) return std::nullopt;
    part = take_first(rest, ':');
  }
  if (rest || parts[0] != "arn" || parts[2] != "sqs") return std::nullopt;
  if (parts[1] != "aws" && parts[1] != "aws-cn" && parts[1] != "aws-us-gov") return std::nullopt;
  const std::optional<Region> region = Region::parse(parts[3]);
  const std::optional<AccountId> account = AccountId::parse(parts[4]);
  const Expected<QueueName> name = QueueName::parse(parts[5]);
  if (!region || !account || !name) return std::nullopt;
  QueueArn arn(*region, *account, *name);
  arn.partition_ = parts[1];
  return arn;
}

std::string QueueArn::text() const {
  std::string text = "arn:";
  text.append(partition_).append(":sqs:").append(region_.text()).append(":");
  text.append(account_.text()).append(":").append(name_.text());
  return text;
}

}  // namespace millrace
