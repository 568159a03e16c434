#include "service/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const AccountId kAccount = *AccountId::parse("111122223333");
const AccountId kOther = *AccountId::parse("444455556666");

QueueName name(std::string_view text) {
  return *QueueName::parse(text);
}

QueueInfoPointer queue(std::uint64_t id, const AccountId& account, std::string_view queue_name,
                       std::optional<RedrivePolicy> redrive = std::nullopt) {
  QueueConfig config;
  config.redrive_policy = std::move(redrive);
  return std::make_shared<const QueueInfo>(QueueInfo{.id = QueueId(id),
                                                     .account = account,
                                                     .name = name(queue_name),
                                                     .config = std::move(config),
                                                     .tags = {},
                                                     .created_at = {},
                                                     .modified_at = {}});
}

std::vector<std::string> names(const std::vector<QueueInfoPointer>& queues) {
  std::vector<std::string> texts;
  for (const QueueInfoPointer& info : queues) texts.push_back(info->name.text());
  return texts;
}

TEST(Directory, FindsWhatWasPublishedUntilItIsWithdrawn) {
  Directory directory;
  EXPECT_EQ(directory.find(kAccount, name("a")), nullptr);
  const QueueInfoPointer a = queue(1, kAccount, "a");
  directory.publish(a);
  EXPECT_EQ(directory.find(kAccount, name("a")), a);
  EXPECT_EQ(directory.find(kOther, name("a")), nullptr);
  EXPECT_EQ(directory.find(kAccount, name("b")), nullptr);
  directory.withdraw(kAccount, name("a"));
  EXPECT_EQ(directory.find(kAccount, name("a")), nullptr);
  directory.withdraw(kAccount, name("a"));
}

TEST(Directory, PublishingAgainReplaces) {
  Directory directory;
  directory.publish(queue(1, kAccount, "a"));
  const QueueInfoPointer second = queue(2, kAccount, "a");
  directory.publish(second);
  EXPECT_EQ(directory.find(kAccount, name("a")), second);
  EXPECT_EQ(directory.all().size(), 1u);
}

TEST(Directory, ListsOneAccountByNameAndPrefix) {
  Directory directory;
  for (const std::string_view text : {"beta", "alpha-2", "alpha-1", "Alpha"}) {
    directory.publish(queue(1, kAccount, text));
  }
  directory.publish(queue(2, kOther, "alpha-3"));
  EXPECT_THAT(names(directory.list(kAccount)), ElementsAre("Alpha", "alpha-1", "alpha-2", "beta"));
  EXPECT_THAT(names(directory.list(kAccount, "alpha")), ElementsAre("alpha-1", "alpha-2"));
  EXPECT_THAT(names(directory.list(kAccount, "gamma")), IsEmpty());
}

TEST(Directory, KnowsTheSourcesOfADeadLetterQueue) {
  Directory directory;
  const QueueArn dead(*Region::parse("us-east-1"), kAccount, name("dead"));
  const QueueArn elsewhere(*Region::parse("eu-central-1"), kAccount, name("dead"));
  directory.publish(queue(1, kAccount, "dead"));
  directory.publish(queue(2, kAccount, "z", RedrivePolicy{dead, 3}));
  directory.publish(queue(3, kAccount, "y", RedrivePolicy{dead, 3}));
  directory.publish(queue(4, kAccount, "x", RedrivePolicy{elsewhere, 3}));
  EXPECT_THAT(names(directory.dead_letter_sources(dead)), ElementsAre("y", "z"));
}

// Run under the thread sanitizer, this is the test of the snapshot.
TEST(Directory, ReadersSeeEveryQueueWholeWhileItChanges) {
  Directory directory;
  directory.publish(queue(1, kAccount, "stays"));
  std::atomic<bool> done = false;
  std::atomic<int> misses = 0;
  std::thread reader([&] {
    while (!done) {
      const QueueInfoPointer stays = directory.find(kAccount, name("stays"));
      if (!stays || stays->name.text() != "stays") ++misses;
      for (const QueueInfoPointer& info : directory.all()) {
        if (info->account != kAccount) ++misses;
      }
    }
  });
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const std::string text = "q" + std::to_string(i % 50);
    directory.publish(queue(i, kAccount, text));
    if (i % 3 == 0) directory.withdraw(kAccount, name(text));
    directory.publish(queue(i, kAccount, "stays"));
  }
  done = true;
  reader.join();
  EXPECT_EQ(misses, 0);
}

}  // namespace
}  // namespace millrace
