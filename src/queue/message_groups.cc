#include "queue/message_groups.h"

#include <algorithm>

#include "base/check.h"

namespace millrace {

MessageGroups::Members::iterator MessageGroups::find(Group& group, SequenceNumber sequence) {
  const auto found = std::ranges::lower_bound(group.members, sequence, {}, &Member::sequence);
  CHECK(found != group.members.end() && found->sequence == sequence);
  return found;
}

// After any change to a group: brings its place in the order up to date.
void MessageGroups::refresh(Groups::iterator it) {
  Group& group = it->second;
  std::optional<SequenceNumber> available;
  if (!group.members.empty()) {
    if (!group.members.front().hidden) available = group.members.front().sequence;
  } else if (group.filed && !group.loading) {
    available = sequence_of(group.filed->first, 0);
  }
  available_members_ -= group.counted;
  group.counted = available ? group.members.size() : 0;
  available_members_ += group.counted;
  if (available != group.available) {
    if (group.available) order_.erase({*group.available, it->first});
    if (available) order_.insert({*available, it->first});
    group.available = available;
  }
  if (group.members.empty() && !group.filed && !group.loading) groups_.erase(it);
}

void MessageGroups::add(GroupKey key, SequenceNumber sequence, bool hidden) {
  const auto it = groups_.try_emplace(key).first;
  Members& members = it->second.members;
  CHECK(members.empty() || members.back().sequence < sequence);
  members.push_back({sequence, hidden});
  ++members_;
  refresh(it);
}

void MessageGroups::remove(GroupKey key, SequenceNumber sequence) {
  const auto it = groups_.find(key);
  CHECK(it != groups_.end());
  Members& members = it->second.members;
  const auto member = find(it->second, sequence);
  if (member == members.begin()) {
    members.pop_front();
  } else {
    members.erase(member);
  }
  --members_;
  refresh(it);
}

std::span<const MessageGroups::Member> MessageGroups::members(GroupKey key) const {
  const auto it = groups_.find(key);
  if (it == groups_.end()) return {};
  return {it->second.members.data(), it->second.members.size()};
}

void MessageGroups::set_hidden(GroupKey key, SequenceNumber sequence, bool hidden) {
  const auto it = groups_.find(key);
  CHECK(it != groups_.end());
  find(it->second, sequence)->hidden = hidden;
  refresh(it);
}

bool MessageGroups::is_last(GroupKey key, SequenceNumber sequence) const {
  const auto it = groups_.find(key);
  return it != groups_.end() && !it->second.members.empty() &&
         it->second.members.back().sequence == sequence;
}

std::optional<SequenceNumber> MessageGroups::next_available(GroupKey key,
                                                            SequenceNumber from) const {
  const auto it = groups_.find(key);
  if (it == groups_.end()) return std::nullopt;
  const auto next = std::ranges::lower_bound(it->second.members, from, {}, &Member::sequence);
  if (next == it->second.members.end() || next->hidden) return std::nullopt;
  return next->sequence;
}

void MessageGroups::file(GroupKey key, BlockNumber block) {
  const auto it = groups_.try_emplace(key).first;
  std::optional<Filed>& filed = it->second.filed;
  if (!filed) {
    filed = Filed{block, block};
  } else {
    filed->first = std::min(filed->first, block);
    filed->last = std::max(filed->last, block);
  }
  refresh(it);
}

std::optional<MessageGroups::Filed> MessageGroups::filed(GroupKey key) const {
  const auto it = groups_.find(key);
  return it == groups_.end() ? std::nullopt : it->second.filed;
}

void MessageGroups::loading(GroupKey key) {
  const auto it = groups_.find(key);
  CHECK(it != groups_.end() && it->second.filed);
  it->second.loading = true;
  refresh(it);
}

void MessageGroups::not_loaded(GroupKey key) {
  const auto it = groups_.find(key);
  if (it == groups_.end()) return;
  it->second.loading = false;
  refresh(it);
}

void MessageGroups::loaded(GroupKey key, BlockNumber first) {
  const auto it = groups_.find(key);
  if (it == groups_.end()) return;
  Group& group = it->second;
  group.loading = false;
  if (group.filed && group.filed->last < first) {
    group.filed.reset();
  } else if (group.filed) {
    group.filed->first = std::max(group.filed->first, first);
  }
  refresh(it);
}

std::optional<MessageGroups::Head> MessageGroups::first() const {
  if (order_.empty()) return std::nullopt;
  return *order_.begin();
}

std::optional<MessageGroups::Head> MessageGroups::after(const Head& head) const {
  const auto next = order_.upper_bound(head);
  if (next == order_.end()) return std::nullopt;
  return *next;
}

bool MessageGroups::available(GroupKey key) const {
  const auto it = groups_.find(key);
  return it != groups_.end() && it->second.available.has_value();
}

bool MessageGroups::has_members(GroupKey key) const {
  const auto it = groups_.find(key);
  return it != groups_.end() && !it->second.members.empty();
}

std::size_t MessageGroups::bytes() const {
  constexpr std::size_t kNode = 48;  // of the map or the set, with what the allocator adds
  return groups_.size() * (sizeof(Group) + 2 * kNode) + order_.size() * (sizeof(Head) + kNode) +
         2 * members_ * sizeof(Member);
}

void MessageGroups::clear() {
  groups_.clear();
  order_.clear();
  available_members_ = members_ = 0;
}

}  // namespace millrace
