#include "data/pairs/dates.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "tests/autograd/support.h"

namespace {

using namespace adjoint::data;
using adjoint::Error;
using adjoint::testing::says;

// The forms as strptime reads them, without the letters behind an ordinal.
constexpr std::array formats = {"%d %B %Y",    "%B %d, %Y", "the %d of %B %Y", "%A, %B %d, %Y",
                                "%a %d %b %Y", "%d-%b-%y",  "%d/%m/%y",        "%d.%m.%Y"};

// What a C library says of a date that it reads.
struct ReadDate {
  std::string format, text, iso;
};

std::optional<ReadDate> read_date(const std::string& source, const std::string& format) {
  std::tm date = {};
  const std::string text = std::regex_replace(source, std::regex("(\\d)(st|nd|rd|th)\\b"), "$1");
  const char* end = ::strptime(text.c_str(), format.c_str(), &date);
  if (!end || *end != '\0') return std::nullopt;
  if (format.ends_with("%y") && date.tm_year >= 150)
    date.tm_year -= 100;  // POSIX: 69 to 99 are 19…
  ::timegm(&date);        // the weekday, from the other fields
  const auto written = [&](const char* form) {
    char buffer[64];
    return std::string(buffer, std::strftime(buffer, sizeof buffer, form, &date));
  };
  return ReadDate{format, written(format.c_str()), written("%Y-%m-%d")};
}

BOOST_AUTO_TEST_SUITE(dates_task)

BOOST_AUTO_TEST_CASE(every_form_means_the_day_of_its_target) {
  const Tokenizer characters = task_tokenizer("dates");
  std::map<std::string, int> seen;
  for (const Pair& pair : make_task("dates", {.train_count = 2000}).train) {
    const std::string source = characters.detokenize(pair.source);
    int readings = 0;
    for (const std::string format : formats) {
      const std::optional<ReadDate> date = read_date(source, format);
      if (!date) continue;
      ++readings;
      ++seen[format];
      BOOST_TEST(date->iso == characters.detokenize(pair.target), source);
      if (format.starts_with("%A") || format.starts_with("%a"))
        BOOST_TEST(source.substr(0, 3) == date->text.substr(0, 3), source);
    }
    BOOST_TEST(readings == 1, source);
  }
  BOOST_TEST(seen.size() == formats.size());
  for (const auto& [format, count] : seen) BOOST_TEST(count > 150, format);
}

BOOST_AUTO_TEST_CASE(ordinals) {
  const Tokenizer characters = task_tokenizer("dates");
  const std::map<std::string, std::string> endings = {
      {"1", "st"},  {"2", "nd"},  {"3", "rd"},  {"4", "th"},  {"11", "th"}, {"12", "th"},
      {"13", "th"}, {"21", "st"}, {"22", "nd"}, {"23", "rd"}, {"30", "th"}, {"31", "st"}};
  std::set<std::string> seen;
  for (const Pair& pair : make_task("dates", {.train_count = 4000}).train) {
    const std::string source = characters.detokenize(pair.source);
    std::smatch parts;
    if (!std::regex_search(source, parts, std::regex("^the (\\d+)(st|nd|rd|th) of "))) continue;
    const auto found = endings.find(parts[1]);
    if (found == endings.end()) continue;
    seen.insert(found->first);
    BOOST_TEST(parts[2].str() == found->second, source);
  }
  BOOST_TEST(seen.size() == endings.size());
}

BOOST_AUTO_TEST_CASE(all_days_of_a_century) {
  BOOST_TEST(count_dates({}) == 36525 * 8.0);
  BOOST_CHECK_EXCEPTION(
      make_task("dates", {.train_count = 300000}), Error,
      says("dates: 300100 pairs requested, but there are only 292200 distinct sources"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
