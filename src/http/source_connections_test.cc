#include "http/source_connections.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

TEST(SourceConnections, EachClientHasSoMany) {
  const auto connections = std::make_shared<SourceConnections>(2);
  std::vector<SourceConnections::Place> places;
  places.push_back(connections->enter("192.0.2.1"));
  places.push_back(connections->enter("::ffff:192.0.2.1"));
  EXPECT_TRUE(places[0] && places[1]);
  EXPECT_FALSE(connections->enter("192.0.2.1"));
  EXPECT_TRUE(connections->enter("192.0.2.2"));
  places.pop_back();
  EXPECT_TRUE(connections->enter("192.0.2.1")) << "and given up at once";
  EXPECT_TRUE(connections->enter("192.0.2.1"));
}

TEST(SourceConnections, AnIpv6NetworkIsOneClient) {
  const auto connections = std::make_shared<SourceConnections>(1);
  const auto place = connections->enter("2001:db8::1");
  EXPECT_TRUE(place);
  EXPECT_FALSE(connections->enter("2001:db8::2"));
  EXPECT_TRUE(connections->enter("2001:db8:0:1::1"));
}

TEST(SourceConnections, APlaceOutlivesWhoGaveIt) {
  auto connections = std::make_shared<SourceConnections>(1);
  auto place = connections->enter("192.0.2.1");
  connections.reset();
  place.reset();
}

}  // namespace
}  // namespace millrace
