// What a queue leaves on disk besides its messages: its definition, kept with it on its shard, and
// the row of its name on shard 0. Both start with a version. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/error.h"
#include "model/names.h"
#include "service/directory.h"

namespace millrace {

/// The bytes of a queue's definition: everything in `info` but its id, which is the row's key.
std::string encode_definition(const QueueInfo& info);
/// @return InternalFailure when the bytes are not what encode_definition() makes.
Expected<QueueInfo> decode_definition(QueueId id, std::string_view bytes);

/// The key of the row of a name, unique in the installation: "<account>/<name>".
std::string name_key(const AccountId& account, const QueueName& name);

/// The value of the row of a name: the queue that has it, or when the queue that had it was
/// deleted.
using NameRow = std::variant<QueueId, Timestamp>;

std::string encode_name_row(const NameRow& row);
/// @return InternalFailure when the bytes are not what encode_name_row() makes.
Expected<NameRow> decode_name_row(std::string_view bytes);

}  // namespace millrace
