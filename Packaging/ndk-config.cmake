# find_package(ndk) gives the target ndk::ndk.
get_filename_component(_ndk_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET ndk::ndk)
    add_library(ndk::ndk SHARED IMPORTED)
    set_target_properties(ndk::ndk PROPERTIES
        IMPORTED_LOCATION "${_ndk_prefix}/lib/libndk.so.1"
        IMPORTED_SONAME "libndk.so.1"
        INTERFACE_INCLUDE_DIRECTORIES "${_ndk_prefix}/include/ndk")
endif()

unset(_ndk_prefix)
