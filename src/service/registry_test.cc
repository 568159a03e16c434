#include "service/registry.h"

#include "queue/shard.h"
#include "service/definition.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// A start of the server over shards that remember what was done before.
struct Restarted {
  Restarted(const Region& region, std::span<ShardDriver* const> shards, std::size_t queues_max)
      : registry({.region = region, .queues_max = queues_max}, directory, shards) {}

  Directory directory;
  Registry registry;
};

class RegistryTest : public ServiceFixture {
 protected:
  std::unique_ptr<Restarted> restart(std::size_t queues_max = 0) {
    auto restarted = std::make_unique<Restarted>(kRegion, shards_, queues_max);
    EXPECT_TRUE(run(restarted->registry.restore()));
    return restarted;
  }
  QueueInfoPointer find(std::string_view name) const {
    return directory_.find(kAccount, *QueueName::parse(name));
  }
  // What the shards remember, as definitions and as names.
  std::size_t definitions() {
    std::size_t count = 0;
    for (ShardDriver* shard : shards_) {
      const auto definitions_of = [](const Shard& one, Timestamp) -> Expected<std::size_t> {
        return one.definitions().size();
      };
      count += run(shard->call(definitions_of)).value();
    }
    return count;
  }
  std::map<std::string, std::string> names() {
    const auto names_of = [](const Shard& one,
                             Timestamp) -> Expected<std::map<std::string, std::string>> {
      return one.names();
    };
    return run(shards_[0]->call(names_of)).value();
  }
  void set_name(std::string_view name, const NameRow& row) {
    const std::string key = name_key(kAccount, *QueueName::parse(name));
    const auto set = [&](Shard& one, Timestamp) -> Expected<void> {
      one.set_name(key, encode_name_row(row));
      return {};
    };
    ASSERT_TRUE(run(shards_[0]->call(set)));
  }
};

TEST_F(RegistryTest, AnAccountMayHaveSoManyQueues) {
  ASSERT_TRUE(create("one"));
  const auto restarted = restart(2);
  const auto make = [&](const AccountId& account, std::string_view name) {
    return run(restarted->registry.create(
        {.account = account, .name = *QueueName::parse(name), .attributes = {}, .tags = {}}));
  };
  EXPECT_TRUE(make(kAccount, "two"));
  const auto third = make(kAccount, "three");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::over_limit);
  EXPECT_TRUE(make(kAccount, "one")) << "which is there";
  EXPECT_TRUE(make(*AccountId::parse("111122223333"), "three")) << "of another account";
  EXPECT_TRUE(run(restarted->registry.remove(kAccount, *QueueName::parse("one"))));
  EXPECT_TRUE(make(kAccount, "three"));
}

TEST_F(RegistryTest, ARestartFindsEveryQueueAsItWas) {
  ASSERT_TRUE(create("a", {{"DelaySeconds", "7"}}, {{"team", "one"}}));
  ASSERT_TRUE(create("b"));
  advance(seconds(3));
  ASSERT_TRUE(set("b", {{"VisibilityTimeout", "5"}}));
  const std::unique_ptr<Restarted> restarted = restart();
  ASSERT_THAT(restarted->directory.all(), SizeIs(2));
  for (const QueueInfoPointer& info : directory_.all()) {
    EXPECT_EQ(*restarted->directory.find(info->account, info->name), *info);
  }
}

TEST_F(RegistryTest, ARestartRemovesADefinitionWithoutAName) {
  ASSERT_TRUE(create("a"));
  const auto create_half = [&](Shard& one, Timestamp now) -> Expected<QueueId> {
    QueueInfo info = *find("a");
    info.name = *QueueName::parse("half");
    return one.create_queue(encode_definition(info), {}, now);
  };
  ASSERT_TRUE(run(shards_[1]->call(create_half)));
  ASSERT_EQ(definitions(), 2u);
  const std::unique_ptr<Restarted> restarted = restart();
  EXPECT_THAT(restarted->directory.all(), SizeIs(1));
  EXPECT_EQ(definitions(), 1u);
}

TEST_F(RegistryTest, ARestartRemovesANameWithoutADefinition) {
  set_name("gone", QueueId(12'345));
  const std::unique_ptr<Restarted> restarted = restart();
  EXPECT_THAT(restarted->directory.all(), SizeIs(0));
  EXPECT_THAT(names(), SizeIs(0));
}

TEST_F(RegistryTest, ARestartRemembersWhichNamesAreBlocked) {
  ASSERT_TRUE(create("a"));
  ASSERT_TRUE(remove("a"));
  const std::unique_ptr<Restarted> restarted = restart();
  const auto create_again = [&] {
    return run(restarted->registry.create(
        {.account = kAccount, .name = *QueueName::parse("a"), .attributes = {}, .tags = {}}));
  };
  EXPECT_EQ(create_again().error().code(), ErrorCode::queue_deleted_recently);
  advance(seconds(60));
  EXPECT_TRUE(create_again());
}

TEST_F(RegistryTest, ARestartStopsAtARowThatItCannotRead) {
  const auto spoil = [&](Shard& one, Timestamp) -> Expected<void> {
    one.set_name("000000000000/a", "nonsense");
    return {};
  };
  ASSERT_TRUE(run(shards_[0]->call(spoil)));
  Restarted restarted(kRegion, shards_, 0);
  EXPECT_EQ(run(restarted.registry.restore()).error().code(), ErrorCode::internal_failure);
}

TEST_F(RegistryTest, TombstonesGoWhenTheyBlockNothingAnyMore) {
  ASSERT_TRUE(create("a"));
  ASSERT_TRUE(create("b"));
  ASSERT_TRUE(remove("a"));
  ASSERT_TRUE(remove("b"));
  EXPECT_THAT(names(), SizeIs(2));
  advance(seconds(60));
  ASSERT_TRUE(create("b"));
  EXPECT_THAT(names(), ElementsAre(testing::Pair("000000000000/b", testing::_)));
}

TEST_F(RegistryTest, NewQueuesGoWhereTheFewestAre) {
  for (const std::string_view name : {"a", "b", "c", "d"}) ASSERT_TRUE(create(name));
  const auto shard_of = [&](std::string_view name) {
    return find(name)->id.value() >> limits::kQueueIdShardShift;
  };
  EXPECT_NE(shard_of("a"), shard_of("b"));
  EXPECT_NE(shard_of("c"), shard_of("d"));
  const std::uint64_t emptier = shard_of("b");
  ASSERT_TRUE(remove("b"));
  ASSERT_TRUE(create("e"));
  EXPECT_EQ(shard_of("e"), emptier);
}

TEST_F(RegistryTest, CreatesOfOneNameAtTheSameTimeMakeOneQueue) {
  std::vector<QueueInfoPointer> made;
  for (int i = 0; i < 5; ++i) {
    boost::asio::co_spawn(
        io_,
        registry_->create(
            {.account = kAccount, .name = *QueueName::parse("a"), .attributes = {}, .tags = {}}),
        [&](const std::exception_ptr& failure, const Expected<QueueInfoPointer>& info) {
          ASSERT_FALSE(failure);
          ASSERT_TRUE(info);
          made.push_back(*info);
        });
  }
  while (made.size() < 5) io_.run_one();
  for (const QueueInfoPointer& info : made) EXPECT_EQ(info->id, made.front()->id);
  EXPECT_EQ(definitions(), 1u);
}

}  // namespace
}  // namespace millrace
