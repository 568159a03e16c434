#include "http/source_connections.h"

#include <utility>

#include "base/check.h"
#include "base/source_network.h"
#include "observe/log.h"

namespace millrace {

class SourceConnections::Held {
 public:
  Held(std::shared_ptr<SourceConnections> owner, std::string network)
      : owner_(std::move(owner)), network_(std::move(network)) {}
  ~Held() { owner_->leave(network_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  const std::shared_ptr<SourceConnections> owner_;
  const std::string network_;
};

SourceConnections::SourceConnections(std::size_t connections_max)
    : connections_max_(connections_max) {
  CHECK(connections_max > 0);
}

SourceConnections::Place SourceConnections::enter(std::string_view address) {
  std::string network = source_network(address);
  {
    const std::lock_guard lock(mutex_);
    Count& count = counts_[network];
    if (count.connections >= connections_max_) {
      if (!std::exchange(count.told, true)) {
        log_warning("too many connections of one client",
                    {{"address", address}, {"connections", count.connections}});
      }
      return nullptr;
    }
    ++count.connections;
  }
  return std::make_shared<const Held>(shared_from_this(), std::move(network));
}

void SourceConnections::leave(const std::string& network) {
  const std::lock_guard lock(mutex_);
  const auto count = counts_.find(network);
  CHECK(count != counts_.end());
  if (--count->second.connections == 0) counts_.erase(count);
}

}  // namespace millrace
