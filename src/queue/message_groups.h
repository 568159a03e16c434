// MessageGroups: which messages of a FIFO queue are next.
//
// A message may be received when nothing before it in its group is hidden (in flight, or on its way
// to a dead-letter queue). So a group is available when its first message is not hidden, and what
// may be taken of it is everything up to the first hidden one. Available groups are served in the
// order of their first messages, so that none is starved, and nothing ever looks at the messages of
// the others.
//
// A group's members are the messages that memory knows, in order; behind them there may be messages
// that have been filed: only the group's rows on disk name them. A group without members whose
// first message is filed is available as well; it has to be loaded.
//
// Owned by its queue, on the shard's thread. Knows numbers only, no message.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include <boost/container/devector.hpp>

#include "model/fingerprint.h"
#include "model/message.h"
#include "queue/records.h"

namespace millrace {

class MessageGroups {
 public:
  /// An available group, by its first message: a place in the order in which they are served.
  struct Head {
    SequenceNumber first;
    GroupKey group;
    friend auto operator<=>(const Head&, const Head&) = default;
  };
  struct Member {
    SequenceNumber sequence;
    bool hidden = false;
  };
  /// The blocks that may hold filed messages of a group, both included.
  struct Filed {
    BlockNumber first = 0;
    BlockNumber last = 0;
  };

  // --- members ---

  /// Adds a message behind all members of its group. @param hidden whether it is in flight.
  void add(GroupKey group, SequenceNumber sequence, bool hidden);
  /// Takes a member away; there must be one.
  void remove(GroupKey group, SequenceNumber sequence);
  void hide(GroupKey group, SequenceNumber sequence) { set_hidden(group, sequence, true); }
  void show(GroupKey group, SequenceNumber sequence) { set_hidden(group, sequence, false); }
  /// Whether `sequence` is the last member, so that it may be filed, or forgotten until its block
  /// is read again.
  bool is_last(GroupKey group, SequenceNumber sequence) const;
  /// The first member from `from` on, unless it is hidden: from the group's first member to
  /// nothing, these are what may be received.
  std::optional<SequenceNumber> next_available(GroupKey group, SequenceNumber from) const;

  /// The group's members, in order. Valid until the next change.
  std::span<const Member> members(GroupKey group) const;

  // --- filed messages ---

  /// Notes that messages of the group in `block` are named by its rows and not by members.
  void file(GroupKey group, BlockNumber block);
  std::optional<Filed> filed(GroupKey group) const;
  /// Filed messages are being read: until loaded() the group is not available for want of members.
  void loading(GroupKey group);
  /// Nothing is filed before `first` any more; nothing at all if that is behind the last.
  void loaded(GroupKey group, BlockNumber first);
  /// The messages that were to be read are looked for again.
  void not_loaded(GroupKey group);

  // --- what is next ---

  /// The available group that is served first, or the next one behind `head`.
  std::optional<Head> first() const;
  std::optional<Head> after(const Head& head) const;
  bool available(GroupKey group) const;
  /// Whether the group has members.
  bool has_members(GroupKey group) const;
  /// Members of available groups: not less than what could be received.
  std::size_t available_members() const { return available_members_; }

  std::size_t count() const { return groups_.size(); }
  /// An estimate of the memory that it takes.
  std::size_t bytes() const;
  void clear();

 private:
  using Members = boost::container::devector<Member>;
  struct Group {
    Members members;
    std::optional<Filed> filed;
    bool loading = false;
    std::optional<SequenceNumber> available;  // its key in order_
    std::size_t counted = 0;                  // in available_members_
  };
  using Groups = std::unordered_map<GroupKey, Group>;

  static Members::iterator find(Group& group, SequenceNumber sequence);
  void set_hidden(GroupKey group, SequenceNumber sequence, bool hidden);
  void refresh(Groups::iterator group);

  Groups groups_;
  std::set<Head> order_;  // of the available groups
  std::size_t available_members_ = 0;
  std::size_t members_ = 0;
};

}  // namespace millrace
