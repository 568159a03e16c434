#include "service/directory.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace millrace {

std::size_t Directory::Hash::operator()(const Key& key) const noexcept {
  constexpr std::size_t kOdd = 0x9e3779b97f4a7c15;  // spreads the account's hash over all bits
  return std::hash<QueueName>{}(*key.name) ^ (std::hash<AccountId>{}(*key.account) * kOdd);
}

Directory::Directory() {
  const auto empty = std::make_shared<const Bucket>();
  for (auto& bucket : buckets_) bucket.store(empty);
}

QueueInfoPointer Directory::find(const AccountId& account, const QueueName& name) const {
  const Key key{&account, &name};
  const std::shared_ptr<const Bucket> queues = bucket(key).load();
  const auto found = queues->find(key);
  return found == queues->end() ? nullptr : found->second;
}

template <class Predicate>
std::vector<QueueInfoPointer> Directory::select(Predicate predicate) const {
  std::vector<QueueInfoPointer> selected;
  for (const auto& bucket : buckets_) {
    const std::shared_ptr<const Bucket> queues = bucket.load();
    for (const auto& [key, info] : *queues) {
      if (predicate(*info)) selected.push_back(info);
    }
  }
  return selected;
}

std::vector<QueueInfoPointer> Directory::list(const AccountId& account,
                                              std::string_view prefix) const {
  std::vector<QueueInfoPointer> queues = select([&](const QueueInfo& info) {
    return info.account == account && info.name.text().starts_with(prefix);
  });
  std::ranges::sort(queues, {}, [](const QueueInfoPointer& info) { return info->name; });
  return queues;
}

std::vector<QueueInfoPointer> Directory::dead_letter_sources(const QueueArn& target) const {
  std::vector<QueueInfoPointer> queues = select([&](const QueueInfo& info) {
    return info.config.redrive_policy && info.config.redrive_policy->target == target;
  });
  std::ranges::sort(queues, [](const QueueInfoPointer& a, const QueueInfoPointer& b) {
    return std::tie(a->account, a->name) < std::tie(b->account, b->name);
  });
  return queues;
}

std::vector<QueueInfoPointer> Directory::all() const {
  return select([](const QueueInfo&) { return true; });
}

void Directory::publish(QueueInfoPointer info) {
  const Key key{&info->account, &info->name};
  auto& place = bucket(key);
  auto queues = std::make_shared<Bucket>(*place.load());
  // Erased first: the old key points into the value that goes.
  queues->erase(key);
  queues->emplace(key, std::move(info));
  place.store(std::move(queues));
}

void Directory::withdraw(const AccountId& account, const QueueName& name) {
  const Key key{&account, &name};
  auto& place = bucket(key);
  auto queues = std::make_shared<Bucket>(*place.load());
  if (queues->erase(key) > 0) place.store(std::move(queues));
}

}  // namespace millrace
