#include "model/policy_actions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/ascii.h"

namespace millrace {
namespace {

TEST(PolicyActions, AreFoundByTheirNames) {
  for (const auto rows : {policy_actions(), server_policy_actions()}) {
    for (const PolicyActionRow& row : rows) {
      EXPECT_EQ(policy_action_of(row.name), row.action) << row.name;
      EXPECT_EQ(&policy_action_row(row.action), &row) << row.name;
      EXPECT_EQ(to_lower(row.name), row.lower_name);
    }
    EXPECT_TRUE(std::ranges::is_sorted(rows, {}, &PolicyActionRow::lower_name));
  }
  EXPECT_EQ(policy_actions().size(), 20u);
  EXPECT_EQ(policy_action_of("sendmessage"), std::nullopt);
  EXPECT_EQ(policy_action_of("Publish"), std::nullopt);
}

TEST(PolicyActions, OfBatchesAreThoseThatTheyRepeat) {
  EXPECT_EQ(policy_action_of("SendMessageBatch"), PolicyAction::send_message);
  EXPECT_EQ(policy_action_of("DeleteMessageBatch"), PolicyAction::delete_message);
  EXPECT_EQ(policy_action_of("ChangeMessageVisibilityBatch"),
            PolicyAction::change_message_visibility);
  EXPECT_EQ(policy_action_of("DeleteQueueBatch"), std::nullopt);
  EXPECT_EQ(policy_action_of("Batch"), std::nullopt);
}

}  // namespace
}  // namespace millrace
