#include "lib/io/address.h"

#include <gtest/gtest.h>

#include <string>

namespace fanmill {
namespace {

std::string Parsed(std::string_view text) {
  const absl::StatusOr<std::string> endpoint = ResolveEndpoint(text, 21000);
  return endpoint.ok() ? *endpoint : "error: " + std::string(endpoint.status().message());
}

TEST(Address, TakesWhatPeopleWrite) {
  EXPECT_EQ(Parsed("127.0.0.1"), "tcp://127.0.0.1:21000");
  EXPECT_EQ(Parsed("127.0.0.1:5"), "tcp://127.0.0.1:5");
  EXPECT_EQ(Parsed("tcp://10.1.2.3:5"), "tcp://10.1.2.3:5");
  EXPECT_EQ(Parsed("[::1]"), "tcp://[::1]:21000");
  EXPECT_EQ(Parsed("[::1]:65535"), "tcp://[::1]:65535");
  EXPECT_EQ(Parsed("ipc:///run/fanmill/control"), "ipc:///run/fanmill/control");
}

TEST(Address, ResolvesNamesToNumbersWithIpv4First) {
  EXPECT_EQ(Parsed("localhost:1"), "tcp://127.0.0.1:1");
}

TEST(Address, SaysWhyItIsNone) {
  EXPECT_EQ(Parsed(""),
            "error: \"\" is no address: it has no host; write HOST:PORT, [IPV6]:PORT or "
            "ipc:///PATH");
  const auto why = [](std::string_view text) {
    const std::string all = Parsed(text);
    const size_t from = all.find("is no address: ");
    return from == std::string::npos ? all : all.substr(from + 15, all.find(';') - from - 15);
  };
  EXPECT_EQ(why(":21000"), "it has no host");
  EXPECT_EQ(why("::1"), "an IPv6 address needs brackets around it");
  EXPECT_EQ(why("[::1"), "its ] is missing");
  for (const char* text :
       {"h:", "h:x", "h:1x", "h:-1", "h:65536", "h: 1", "h:99999999999", "[::1]x"}) {
    EXPECT_EQ(why(text), "its port is no number from 0 to 65535") << text;
  }
  EXPECT_EQ(why("http://h"), "unknown transport");
  EXPECT_EQ(why("ipc://relative"), "its path does not begin with /");
  EXPECT_EQ(why("ipc:///" + std::string(107, 'x')), "its path is longer than 107 bytes");
  EXPECT_EQ(why(std::string("h\0:1", 4)), "it has a zero byte");
}

TEST(Address, NamesTheHostThatNobodyKnows) {
  const absl::StatusOr<std::string> endpoint = ResolveEndpoint("no-such-host.invalid:1", 2);
  EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(std::string(endpoint.status().message())
                  .starts_with("could not resolve the host \"no-such-host.invalid\": "));
}

TEST(Address, NeverResolvesWhatAnotherProcessTold) {
  EXPECT_FALSE(ParseEndpoint("tcp://localhost:1").ok());
  EXPECT_FALSE(ParseEndpoint("tcp://127.0.0.1").ok());
  EXPECT_FALSE(ParseEndpoint("127.0.0.1:1").ok());
  EXPECT_FALSE(ParseEndpoint("tcp://*:1").ok());
  EXPECT_FALSE(ParseEndpoint("udp://127.0.0.1:1").ok());
  EXPECT_FALSE(ParseEndpoint("").ok());
  EXPECT_FALSE(ParseEndpoint("inproc://").ok());
  for (const char* endpoint :
       {"tcp://127.0.0.1:1", "tcp://[fe80::1]:2", "ipc:///a", "inproc://a"}) {
    const absl::StatusOr<Address> address = ParseEndpoint(endpoint);
    ASSERT_TRUE(address.ok()) << endpoint;
    EXPECT_EQ(address->Endpoint(), endpoint);
  }
}

TEST(Address, KnowsWhatOthersCannotReach) {
  const auto local = [](const char* endpoint) { return IsLocal(*ParseEndpoint(endpoint)); };
  EXPECT_TRUE(local("tcp://127.0.0.1:1"));
  EXPECT_TRUE(local("tcp://127.9.9.9:1"));
  EXPECT_TRUE(local("tcp://[::1]:1"));
  EXPECT_TRUE(local("ipc:///a"));
  EXPECT_TRUE(local("inproc://a"));
  EXPECT_FALSE(local("tcp://0.0.0.0:1"));
  EXPECT_FALSE(local("tcp://[::]:1"));
  EXPECT_FALSE(local("tcp://10.0.0.1:1"));
  EXPECT_FALSE(local("tcp://128.0.0.1:1"));
}

}  // namespace
}  // namespace fanmill
