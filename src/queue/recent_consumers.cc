#include "queue/recent_consumers.h"

#include <algorithm>
#include <string_view>

#include "base/limits.h"

namespace millrace {

namespace {

std::string_view beginning(std::string_view text) {
  return text.substr(0, limits::kConsumerTextMax);
}

}  // namespace

RecentConsumer* RecentConsumers::find(const Consumer& consumer) {
  const auto found = std::ranges::find_if(consumers_, [&](const RecentConsumer& one) {
    return one.source_address == beginning(consumer.source_address) &&
           one.principal_arn == beginning(consumer.principal_arn) &&
           one.user_agent == beginning(consumer.user_agent);
  });
  return found == consumers_.end() ? nullptr : &*found;
}

void RecentConsumers::received(const Consumer& consumer, Timestamp now) {
  RecentConsumer* found = find(consumer);
  if (found == nullptr) {
    if (consumers_.size() < limits::kRecentConsumersMax) {
      found = &consumers_.emplace_back();
    } else {
      found = &*std::ranges::min_element(consumers_, {}, &RecentConsumer::last_receive);
    }
    found->source_address = beginning(consumer.source_address);
    found->principal_arn = beginning(consumer.principal_arn);
    found->user_agent = beginning(consumer.user_agent);
    found->receives = found->messages = 0;
  }
  found->last_receive = now;
  ++found->receives;
}

void RecentConsumers::delivered(const Consumer& consumer, std::uint64_t messages) {
  if (RecentConsumer* found = find(consumer)) found->messages += messages;
}

}  // namespace millrace
