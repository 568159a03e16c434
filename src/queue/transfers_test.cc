#include "queue/transfers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr QueueId kSource{5};
constexpr QueueId kTarget{6};
constexpr std::uint16_t kTo = 3;

class TransfersTest : public testing::Test {
 protected:
  std::uint64_t add(std::uint64_t sequence, std::uint16_t to = kTo) {
    return source_.add(to, {{}, kSource, SequenceNumber{sequence}, kTarget},
                       std::make_shared<const std::string>("chunk"));
  }
  void commit() {
    std::vector<PayloadPlace> places;
    for (std::size_t i = 0; i < effects_.writes.payloads().size(); ++i) {
      places.push_back({1, ++offset_, 5});
    }
    source_.seal();
    effects_.writes.clear();
    source_.committed(places);
  }
  std::vector<std::uint64_t> sent() {
    std::vector<std::uint64_t> numbers;
    for (const Transfer& transfer : effects_.transfers) numbers.push_back(transfer.number);
    return numbers;
  }
  // Answers the loads, last one first.
  void answer_loads() {
    std::vector<Load> loads = std::exchange(effects_.loads, {});
    for (auto load = loads.rbegin(); load != loads.rend(); ++load) {
      LoadResult result;
      result.load = *load;
      result.blocks.emplace_back().chunk = std::make_shared<const std::string>("chunk");
      source_.loaded(result);
    }
  }

  std::uint32_t offset_ = 0;
  Effects effects_;
  Effects target_effects_;
  Transfers source_{1, 1, effects_};
  Transfers target_{kTo, 1, target_effects_};
};

TEST_F(TransfersTest, SendsOnlyWhatIsDurable) {
  const std::uint64_t first = add(1);
  EXPECT_THAT(effects_.transfers, IsEmpty());
  source_.seal();
  const std::uint64_t second = add(2);  // in the batch after
  EXPECT_GT(second, first);
  const PayloadPlace place{1, 1, 5};
  source_.committed({&place, 1});
  ASSERT_THAT(sent(), ElementsAre(first));
  const Transfer& transfer = effects_.transfers[0];
  EXPECT_EQ(transfer.from_shard, 1);
  EXPECT_EQ(transfer.to_shard, kTo);
  EXPECT_EQ(transfer.source, kSource);
  EXPECT_EQ(transfer.sequence, SequenceNumber{1});
  EXPECT_EQ(transfer.target, kTarget);
  EXPECT_EQ(*transfer.chunk, "chunk");
}

TEST_F(TransfersTest, SendsAgainInOrderWhateverOrderTheChunksComeIn) {
  const std::uint64_t first = add(1);
  const std::uint64_t second = add(2);
  const std::uint64_t elsewhere = add(3, 9);
  commit();
  ASSERT_THAT(sent(), testing::UnorderedElementsAre(first, second, elsewhere));
  effects_.transfers.clear();
  source_.resend(kTo);
  ASSERT_THAT(effects_.loads, SizeIs(2));
  answer_loads();
  EXPECT_THAT(sent(), ElementsAre(first, second));
}

TEST_F(TransfersTest, RestoresItsOutboxAndRefusesOtherRows) {
  std::string value;
  append_place(value, {1, 2, 3});
  value += encode_outbox({{}, kSource, SequenceNumber{7}, kTarget});
  EXPECT_TRUE(source_.restore(outbox_key(kTo, 44), value));
  EXPECT_FALSE(source_.restore(outbox_key(kTo, 45), "?"));
  EXPECT_FALSE(source_.restore("x", value));
  EXPECT_FALSE(source_.restore(applied_key(2), "?"));
  source_.resend_all();
  ASSERT_THAT(effects_.loads, SizeIs(1));
  EXPECT_EQ(effects_.loads[0].place, (PayloadPlace{1, 2, 3}));
  answer_loads();
  EXPECT_THAT(sent(), ElementsAre(44));
}

TEST_F(TransfersTest, ForgetsWhatIsAnsweredAndReleasesItsChunk) {
  add(1);
  commit();
  const Transfer transfer = effects_.transfers[0];
  EXPECT_TRUE(source_.finish(transfer, true));
  EXPECT_TRUE(source_.empty());
  EXPECT_THAT(effects_.writes.released(), SizeIs(1));
  EXPECT_FALSE(source_.finish(transfer, true));
  EXPECT_THAT(effects_.writes.released(), SizeIs(1));
}

TEST_F(TransfersTest, AppliesEachOnce) {
  add(1);
  add(2);
  commit();
  const Transfer first = effects_.transfers[0];
  const Transfer second = effects_.transfers[1];
  EXPECT_EQ(target_.apply(first, true), Transfers::Arrival::fresh);
  EXPECT_EQ(target_.apply(second, true), Transfers::Arrival::fresh);
  EXPECT_EQ(target_.apply(first, true), Transfers::Arrival::repeated);
  EXPECT_EQ(target_.apply(second, true), Transfers::Arrival::repeated);

  Transfers reopened(kTo, 2, target_effects_);
  EXPECT_TRUE(reopened.restore(applied_key(1), encode_number(first.number)));
  EXPECT_EQ(reopened.apply(first, true), Transfers::Arrival::repeated);
  EXPECT_EQ(reopened.apply(second, true), Transfers::Arrival::fresh);
}

TEST_F(TransfersTest, TakesNoneWhosePredecessorGotLost) {
  add(1);
  commit();
  const Transfer lost = effects_.transfers[0];
  add(2);
  commit();
  const Transfer early = effects_.transfers[1];
  EXPECT_EQ(target_.apply(early, true), Transfers::Arrival::early);
  EXPECT_EQ(target_.apply(lost, true), Transfers::Arrival::fresh);
  EXPECT_EQ(target_.apply(early, true), Transfers::Arrival::fresh);
}

TEST_F(TransfersTest, WaitsForNoPredecessorThatWasAnswered) {
  add(1);
  commit();
  EXPECT_TRUE(source_.finish(effects_.transfers[0], true));
  add(2);
  commit();
  Transfers empty(kTo, 1, target_effects_);
  EXPECT_EQ(empty.apply(effects_.transfers[1], true), Transfers::Arrival::fresh);
}

TEST_F(TransfersTest, GoesPastARefusedTransferOnlyWhenItsRowIsDurablyGone) {
  add(1);
  add(2);
  commit();
  const std::vector<Transfer> transfers = std::exchange(effects_.transfers, {});
  ASSERT_THAT(transfers, SizeIs(2));
  EXPECT_EQ(target_.apply(transfers[0], false), Transfers::Arrival::refused);
  EXPECT_EQ(target_.apply(transfers[1], true), Transfers::Arrival::early);
  EXPECT_EQ(target_.apply(transfers[0], false), Transfers::Arrival::refused);
  EXPECT_TRUE(source_.finish(transfers[0], false));
  EXPECT_FALSE(source_.pending(transfers[0]));
  EXPECT_FALSE(source_.finish(transfers[0], false));
  source_.resend(kTo);
  answer_loads();
  ASSERT_THAT(effects_.transfers, SizeIs(1));
  EXPECT_EQ(target_.apply(effects_.transfers[0], true), Transfers::Arrival::early);
  effects_.transfers.clear();
  commit();
  answer_loads();
  ASSERT_THAT(effects_.transfers, SizeIs(1));
  EXPECT_EQ(effects_.transfers[0].number, transfers[1].number);
  EXPECT_EQ(target_.apply(effects_.transfers[0], true), Transfers::Arrival::fresh);
}

TEST_F(TransfersTest, NumbersOfALaterOpeningAreHigher) {
  const std::uint64_t number = add(1);
  Transfers later(1, 2, effects_);
  EXPECT_GT(later.add(kTo, {{}, kSource, SequenceNumber{1}, kTarget},
                      std::make_shared<const std::string>("chunk")),
            number);
}

}  // namespace
}  // namespace millrace
